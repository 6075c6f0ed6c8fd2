variable "name" {
  description = "Name of the distribution and of what belongs to it."
  type        = string
}

variable "domain" {
  description = "Name of the distribution, in zone."
  type        = string
}

variable "zone" {
  description = "Public hosted zone that holds the domain, by name."
  type        = string
}

variable "logs_bucket_domain" {
  description = "Domain of the bucket that takes the access logs (name.s3.amazonaws.com). It must allow access lists (BucketOwnerPreferred): CloudFront writes with one."
  type        = string
}

variable "forwards" {
  description = "Which paths go where: a target in sites is that site, every other is behind the load balancer. The most specific wins."
  type = list(object({
    path   = string
    target = string
    host   = optional(string)
  }))
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

variable "firewall" {
  description = "What looks at every request first (module firewall): its name, AWS's groups of rules, requests an address may send in five minutes, countries that are refused. Null for none."
  type = object({
    name                      = string
    managed_groups            = optional(list(string), ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList"])
    requests_per_five_minutes = optional(number, 2000)
    blocked_countries         = optional(list(string), [])
  })
  default = null
}

variable "uptime" {
  description = "Who asks from outside whether the door is open (module uptime_check), and whom it tells: its name, the account, the runbook, the path, and addresses. Null for nobody."
  type = object({
    name        = string
    account_id  = string
    runbook_url = string
    path        = optional(string, "/")
    emails      = optional(list(string), [])
    phones      = optional(list(string), [])
    slack       = optional(map(object({ team_id = string, channel_id = string })), {})
  })
  default = null
}

variable "origin_seconds" {
  description = "Seconds the load balancer may take to answer. Longer than the deadline of the services behind it."
  type        = number
  default     = 30
}
