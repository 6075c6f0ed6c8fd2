variable "name" {
  description = "Name without the account: the bucket is called <name>-<account_id>. One bucket holds the states of all environments."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,49}$", var.name))
    error_message = "2 to 50 lower-case letters, digits and hyphens: with the account id a bucket name has at most 63 characters."
  }
}

variable "account_id" {
  description = "AWS account that owns bucket and key."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "logs_bucket" {
  description = "Bucket that receives the access log; null: none. CloudTrail's data events say the same and more."
  type        = string
  default     = null
}

variable "noncurrent_days" {
  description = "Days for which a state can be brought back after another took its place."
  type        = number
  default     = 90

  validation {
    condition     = var.noncurrent_days >= 30
    error_message = "At least 30 days: a state that went wrong is often noticed at the next change."
  }
}
