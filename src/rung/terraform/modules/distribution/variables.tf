variable "name" {
  description = "Name of the distribution and of what belongs to it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,52}$", var.name))
    error_message = "name must be 1 to 52 letters, digits, hyphens and underscores."
  }
}

variable "logs_bucket_domain" {
  description = "Domain of the bucket that takes the access logs (name.s3.amazonaws.com). It must allow access lists (BucketOwnerPreferred): CloudFront writes with one."
  type        = string
}

variable "forwards" {
  description = "Which paths go where: a target in sites is that site, every other is behind the load balancer. The most specific wins, in whatever order they are given. A host is an extra name of the distribution; the load balancer tells hosts apart."
  type = list(object({
    path   = string
    target = string
    host   = optional(string)
  }))

  validation {
    condition     = length(var.forwards) > 0
    error_message = "forwards must have one at least."
  }

  validation {
    condition     = var.load_balancer != null || alltrue([for forward in var.forwards : contains(keys(var.sites), forward.target)])
    error_message = "every target must be a name in sites when there is no load_balancer."
  }

  validation {
    condition     = alltrue([for forward in var.forwards : can(regex("^/[A-Za-z0-9_.*$/~\"'@:+?&-]*$", forward.path))])
    error_message = "every path must begin with / and be a pattern CloudFront knows, such as /api/*."
  }

  validation {
    condition     = alltrue([for forward in var.forwards : forward.host == null || !contains(keys(var.sites), forward.target)])
    error_message = "a host must be left out for sites: CloudFront chooses by path, and a second host needs a distribution of its own."
  }
}

variable "load_balancer" {
  description = "An internal load balancer, reached through a VPC origin; https when its listener has a certificate for the names of this distribution."
  type = object({
    arn      = string
    dns_name = string
    https    = optional(bool, false)
  })
  default = null
}

variable "sites" {
  description = "Buckets with static files, by name. spa: a path without a dot is the page index.html; else a path that ends in / is the index.html below it."
  type = map(object({
    bucket_domain = string
    spa           = optional(bool, true)
  }))
  default = {}
}

variable "domain" {
  description = "Name of the distribution, in zone_id; null for the name AWS gives."
  type        = string
  default     = null

  validation {
    condition     = var.domain == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain must be a name such as shop.example.com."
  }
}

variable "certificate_arn" {
  description = "Certificate of domain, of us-east-1 whatever the region of the rest."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn == null || can(regex("^arn:[a-z-]+:acm:us-east-1:", var.certificate_arn))
    error_message = "certificate_arn must be a certificate of us-east-1: CloudFront takes no others."
  }
}

variable "zone_id" {
  description = "Hosted zone of domain."
  type        = string
  default     = null
}

variable "firewall_arn" {
  description = "Web ACL of scope CLOUDFRONT that looks at every request first."
  type        = string
  default     = null
}

variable "origin_seconds" {
  description = "Seconds the load balancer may take to answer. Longer than the deadline of the services behind it."
  type        = number
  default     = 30

  validation {
    condition     = var.origin_seconds >= 1 && var.origin_seconds <= 120
    error_message = "origin_seconds must be 1 to 120; above 60 needs a raised quota."
  }
}

variable "content_security_policy" {
  description = "Content-Security-Policy for answers that have none; null for none."
  type        = string
  default     = null
}

variable "price_class" {
  description = "Edges to serve from: PriceClass_100 (North America, Europe), PriceClass_200 (and Asia, Africa), PriceClass_All."
  type        = string
  default     = "PriceClass_100"

  validation {
    condition     = contains(["PriceClass_100", "PriceClass_200", "PriceClass_All"], var.price_class)
    error_message = "price_class must be PriceClass_100, PriceClass_200 or PriceClass_All."
  }
}
