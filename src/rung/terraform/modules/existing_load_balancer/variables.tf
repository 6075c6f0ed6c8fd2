variable "name" {
  description = "Name of what is added to the load balancer: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9]([A-Za-z0-9-]{0,98}[A-Za-z0-9])?$", var.name))
    error_message = "name must be 1 to 100 letters, digits and hyphens, and must not begin or end with a hyphen."
  }
}

variable "listener_arn" {
  description = "Listener that takes the rules, by ARN; with it the load balancer, its name and its security group are found."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:listener/app/", var.listener_arn))
    error_message = "listener_arn must be the ARN of a listener of an application load balancer: arn:aws:elasticloadbalancing:<region>:<account>:listener/app/..."
  }
}

variable "vpc_id" {
  description = "VPC of the targets, which must be the load balancer's."
  type        = string
}

variable "certificate_arns" {
  description = "Certificates that the listener shows to visitors of our hosts, beside its own."
  type        = list(string)
  default     = []
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
    condition = alltrue([
      for name, target in var.targets :
      can(regex("^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", name)) && target.port >= 1 && target.port <= 65535
      && startswith(target.health_path, "/") && contains(["ip", "instance"], target.type)
    ])
    error_message = "every target must have a name of lower-case letters, digits and hyphens, a port from 1 to 65535, a health_path that begins with /, and the type ip or instance."
  }
}

variable "forwards" {
  description = "Which requests go to which target. Each names its host: the listener is not ours alone."
  type = list(object({
    path   = string
    target = string
    host   = string
  }))
  default = []

  validation {
    condition = alltrue([
      for forward in var.forwards :
      contains(keys(var.targets), forward.target) && startswith(forward.path, "/") && length(forward.path) <= 128
      && length(forward.host) > 0
    ])
    error_message = "every forward must name one of targets and a host, and a path of 128 characters at most that begins with /."
  }
}

variable "first_priority" {
  description = "Where the priorities of our rules begin; they take some of the 25,000 from there. Rules of others come before, or after."
  type        = number
  default     = 10000

  validation {
    condition     = var.first_priority >= 1 && var.first_priority <= 16000
    error_message = "first_priority must be 1 to 16000: AWS takes priorities up to 50000."
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
