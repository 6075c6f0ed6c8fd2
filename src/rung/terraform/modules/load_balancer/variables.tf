variable "name" {
  description = "Name of the load balancer: <workload>-<environment>-<part>. AWS takes 32 characters: a longer name is cut and ends with a digest of the whole."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,98}[A-Za-z0-9])?$", var.name)) && !startswith(var.name, "internal-")
    error_message = "name must be 1 to 100 letters, digits and hyphens, must not begin or end with a hyphen, nor begin with internal-."
  }
}

variable "vpc_id" {
  description = "VPC of the load balancer and its targets."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the load balancer in two zones at least: public ones, or private ones when it is internal."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must have two subnets at least, in different zones."
  }
}

variable "logs_bucket" {
  description = "Bucket that takes the access logs, by name. Its policy must admit logdelivery.elasticloadbalancing.amazonaws.com, and its encryption must be SSE-S3."
  type        = string
}

variable "certificate_arns" {
  description = "Certificates of the HTTPS listener; the first is the one for visitors who name no host. Without any, the listener speaks HTTP."
  type        = list(string)
  default     = []
}

variable "certificate" {
  description = "Makes a certificate for domain and its wildcard, proved by records in zone (module certificate): it comes after those of certificate_arns. Null: none is made."
  type = object({
    domain = string
    zone   = string
  })
  default = null
}

variable "targets" {
  description = "What answers, by name. port: of the target; health_path: answers 200 to 299 when a target may have requests; sticky: a visitor stays with one target; deregistration_seconds: time for requests that run when a target goes; type: ip (ECS) or instance (hosts)."
  type = map(object({
    port                   = number
    health_path            = optional(string, "/health")
    sticky                 = optional(bool, false)
    deregistration_seconds = optional(number, 15)
    type                   = optional(string, "ip")
  }))
  default = {}

  validation {
    condition     = alltrue([for name in keys(var.targets) : can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", name))])
    error_message = "every target must have a name of lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for target in var.targets : target.port >= 1 && target.port <= 65535])
    error_message = "every target must have a port from 1 to 65535."
  }

  validation {
    condition     = alltrue([for target in var.targets : startswith(target.health_path, "/")])
    error_message = "every health_path must begin with /."
  }

  validation {
    condition     = alltrue([for target in var.targets : target.deregistration_seconds >= 0 && target.deregistration_seconds <= 3600])
    error_message = "every deregistration_seconds must be 0 to 3600."
  }

  validation {
    condition     = alltrue([for target in var.targets : contains(["ip", "instance"], target.type)])
    error_message = "every type must be ip or instance."
  }
}

variable "forwards" {
  description = "Which requests go to which target. The most specific wins, in whatever order they are given: exact hosts before wildcards before none, exact paths before wildcards, long before short. A priority of your own overrules that."
  type = list(object({
    path     = string
    target   = string
    host     = optional(string)
    priority = optional(number)
  }))
  default = []

  validation {
    condition     = alltrue([for forward in var.forwards : contains(keys(var.targets), forward.target)])
    error_message = "every forward must name one of targets."
  }

  validation {
    condition     = alltrue([for forward in var.forwards : startswith(forward.path, "/") && length(forward.path) <= 128])
    error_message = "every path must begin with / and have 128 characters at most."
  }

  validation {
    condition     = alltrue([for forward in var.forwards : forward.priority == null ? true : forward.priority >= 1 && forward.priority <= 50000])
    error_message = "every priority must be 1 to 50000."
  }

  validation {
    condition     = length(distinct([for forward in var.forwards : join("", [coalesce(forward.host, "*"), forward.path])])) == length(var.forwards)
    error_message = "no two forwards may have the same host and path."
  }
}

variable "internal" {
  description = "Whether it has private addresses only, behind CloudFront or for other services."
  type        = bool
  default     = false
}

variable "idle_seconds" {
  description = "Seconds without a byte after which a connection is closed. Targets must keep theirs open for longer, or visitors see 502."
  type        = number
  default     = 60

  validation {
    condition     = var.idle_seconds >= 1 && var.idle_seconds <= 4000
    error_message = "idle_seconds must be 1 to 4000."
  }
}

variable "protected" {
  description = "Whether deleting it is refused until this is turned off."
  type        = bool
  default     = true
}

variable "tls_policy" {
  description = "What TLS is spoken: 1.3, and 1.2 with forward secrecy for those who cannot."
  type        = string
  default     = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"

  validation {
    condition     = startswith(var.tls_policy, "ELBSecurityPolicy-TLS13-1-2-Res-") || startswith(var.tls_policy, "ELBSecurityPolicy-TLS13-1-3-")
    error_message = "tls_policy must be one of ELBSecurityPolicy-TLS13-1-2-Res-* or ELBSecurityPolicy-TLS13-1-3-*."
  }
}

variable "domain" {
  description = "Name that leads here, in zone_id; null when something else (CloudFront) has the name."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "Hosted zone of domain."
  type        = string
  default     = null
}
