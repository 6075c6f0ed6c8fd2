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

variable "account_id" {
  description = "AWS account whose alarm may publish."
  type        = string
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

variable "emails" {
  description = "Addresses that are told. Each must be confirmed by its owner."
  type        = list(string)
  default     = []
}

variable "phones" {
  description = "Telephone numbers that are told by SMS, in international form."
  type        = list(string)
  default     = []
}

variable "slack" {
  description = "Slack channels that are told, name to ids."
  type = map(object({
    team_id    = string
    channel_id = string
  }))
  default = {}
}
