variable "name" {
  description = "Name of the bus: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,40}$", var.name)) && var.name != "default"
    error_message = "1 to 40 letters, digits, hyphens and underscores (the archive's name has 48 at most), and not default, which is the account's own bus."
  }
}

variable "account_id" {
  description = "AWS account whose roles may put events on the bus; nobody else may."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "archive_days" {
  description = "Days for which events can be replayed. 0: for ever; null: not at all."
  type        = number
  default     = null

  validation {
    condition     = var.archive_days == null ? true : var.archive_days >= 0 && var.archive_days == floor(var.archive_days)
    error_message = "A whole number of days, 0 for ever, or null for no archive."
  }
}
