variable "name" {
  description = "Name without the account: the bucket is called <name>-<account_id>, because bucket names are shared by all accounts."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,49}$", var.name))
    error_message = "2 to 50 lower-case letters, digits and hyphens: with the account id a bucket name has at most 63 characters."
  }
}

variable "account_id" {
  description = "AWS account that owns the bucket; services may deliver logs on behalf of this account alone."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "purpose" {
  description = "What is in it: objects, logs (load balancers, S3, CloudFront and flow logs may deliver), site or backups."
  type        = string
  default     = "objects"

  validation {
    condition     = contains(["objects", "logs", "site", "backups"], var.purpose)
    error_message = "The purpose is objects, logs, site or backups."
  }
}

variable "key_arn" {
  description = "Key for the objects; null: SSE-S3. Log delivery cannot use a key, so a bucket for logs is always on SSE-S3."
  type        = string
  default     = null
}

variable "logs_bucket" {
  description = "Bucket that receives the access log; null: none. It must not be this bucket."
  type        = string
  default     = null
}

variable "versioned" {
  description = "Keep what is overwritten or deleted for noncurrent_days."
  type        = bool
  default     = true
}

variable "noncurrent_days" {
  description = "Days for which overwritten and deleted versions are kept."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "S3 keeps noncurrent versions for at least one day."
  }
}

variable "archive_days" {
  description = "Age in days at which objects move to Glacier Instant Retrieval; null: never."
  type        = number
  default     = null

  validation {
    condition     = var.archive_days == null ? true : var.archive_days >= 1
    error_message = "Objects move to the archive after one day or more."
  }
}

variable "expire_days" {
  description = "Age in days at which objects are deleted; null: never."
  type        = number
  default     = null

  validation {
    condition     = var.expire_days == null ? true : var.expire_days > coalesce(var.archive_days, 0)
    error_message = "Objects expire after one day or more, and later than they move to the archive."
  }
}

variable "locked_days" {
  description = "Days for which an object, once written, can be deleted by nobody (object lock, compliance mode); null: no lock."
  type        = number
  default     = null

  validation {
    condition     = var.locked_days == null ? true : var.locked_days >= 1 && var.versioned
    error_message = "A lock lasts one day or more and needs a versioned bucket."
  }
}

variable "allow_acl_delivery" {
  description = "Let CloudFront's older kind of logging, which writes through access control lists, deliver here."
  type        = bool
  default     = false

  validation {
    condition     = !var.allow_acl_delivery || var.purpose == "logs"
    error_message = "Only a bucket for logs takes deliveries through access control lists."
  }
}

variable "events" {
  description = "Tell EventBridge of every object that is written or deleted."
  type        = bool
  default     = false
}

variable "force_destroy" {
  description = "Delete the bucket although objects are in it: for environments that live a day."
  type        = bool
  default     = false
}
