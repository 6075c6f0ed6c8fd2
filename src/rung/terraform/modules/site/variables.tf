variable "name" {
  description = "Name of the site; the bucket is called so with the account behind it."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,48}[a-z0-9]$", var.name))
    error_message = "name must be 3 to 50 lower-case letters, digits and hyphens, and must not begin or end with a hyphen."
  }
}

variable "account_id" {
  description = "Account of the bucket: the names of buckets are one namespace for all of AWS."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "account_id must be 12 digits."
  }
}

variable "distribution_arn" {
  description = "The CloudFront distribution that may read the files. Nobody else may."
  type        = string
}

variable "logs_bucket" {
  description = "Bucket that takes the access logs, by name."
  type        = string
}

variable "keep_old_days" {
  description = "Days to keep what an upload replaced, for going back."
  type        = number
  default     = 30

  validation {
    condition     = var.keep_old_days >= 1
    error_message = "keep_old_days must be 1 or more."
  }
}

variable "force_destroy" {
  description = "Whether the bucket may be deleted with files in it: for environments that come and go."
  type        = bool
  default     = false
}
