variable "name" {
  description = "Name of check and alarm: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,62}$", var.name))
    error_message = "1 to 63 letters, digits and hyphens."
  }
}

variable "domain" {
  description = "Host name that is asked."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "A host name such as shop.example.com, without https:// and path."
  }
}

variable "topic_arn" {
  description = "Topic that is told, in us-east-1: Route 53 keeps its metrics there alone, and an alarm publishes only to topics of its own region."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:sns:us-east-1:", var.topic_arn))
    error_message = "The topic must be in us-east-1; use the module notification once more with that region's provider."
  }
}

variable "runbook_url" {
  description = "Where it is written what to do; part of every message."
  type        = string

  validation {
    condition     = can(regex("^https://", var.runbook_url))
    error_message = "A runbook is an https:// address that the person who is called can open."
  }
}

variable "path" {
  description = "Path that is asked, without a query; it answers 2xx or 3xx within four seconds."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/[^\\s?#]*$", var.path)) && length(var.path) <= 255
    error_message = "A path begins with a slash and has no query, at most 255 characters."
  }
}

variable "interval_seconds" {
  description = "Seconds between two requests of one of the checkers: 30, or 10 for more money."
  type        = number
  default     = 30

  validation {
    condition     = contains([10, 30], var.interval_seconds)
    error_message = "Route 53 asks every 10 or every 30 seconds."
  }
}
