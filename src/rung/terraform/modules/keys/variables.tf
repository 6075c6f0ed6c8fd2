variable "name" {
  description = "Prefix of the aliases: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,62}$", var.name))
    error_message = "A name has 2 to 63 lower-case letters, digits and hyphens and begins with a letter."
  }
}

variable "account_id" {
  description = "AWS account that owns the keys and whose services may use them."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "region" {
  description = "Region of the keys; part of the log groups' encryption context."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region reads like eu-central-1 or us-gov-west-1."
  }
}

variable "autoscaling" {
  description = "Let EC2 Auto Scaling start instances whose volumes carry the data key. Its service-linked role must exist in the account."
  type        = bool
  default     = false
}

variable "deletion_days" {
  description = "Days between asking for a key's deletion and losing everything it encrypts."
  type        = number
  default     = 30

  validation {
    condition     = var.deletion_days >= 7 && var.deletion_days <= 30
    error_message = "KMS waits 7 to 30 days before it deletes a key."
  }
}
