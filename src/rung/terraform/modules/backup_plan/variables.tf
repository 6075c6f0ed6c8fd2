variable "name" {
  description = "Name of vault and plan: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9-]{2,38}$", var.name))
    error_message = "2 to 38 letters, digits and hyphens."
  }
}

variable "resource_arns" {
  description = "What is backed up: ARNs of databases, tables, file systems and buckets. Buckets need versioning."
  type        = list(string)

  validation {
    condition     = length(var.resource_arns) >= 1
    error_message = "A plan without resources backs nothing up."
  }
}

variable "key_arn" {
  description = "Key of the vault: what is in it stays readable when the source's key is lost."
  type        = string
}

variable "topic_arn" {
  description = "Topic that is told when a backup or a restore test fails; its policy must let events.amazonaws.com publish."
  type        = string
}

variable "keep_days" {
  description = "Days for which a backup is kept."
  type        = number
  default     = 35

  validation {
    condition     = var.keep_days >= 7 && var.keep_days <= 36500
    error_message = "At least 7 days: a loss is rarely noticed on the first."
  }
}

variable "locked_days" {
  description = "Days for which no backup can be deleted by hand (vault lock in governance mode); null: no lock."
  type        = number
  default     = 7

  validation {
    condition     = var.locked_days == null ? true : var.locked_days >= 1 && var.locked_days <= var.keep_days
    error_message = "From 1 day to keep_days."
  }
}

variable "schedule" {
  description = "When backups are made, in UTC."
  type        = string
  default     = "cron(0 4 * * ? *)"

  validation {
    condition     = can(regex("^cron\\(.+\\)$", var.schedule))
    error_message = "A schedule reads like cron(0 4 * * ? *)."
  }
}

variable "restore_test" {
  description = "Restore the newest backup every week, see whether it comes up, and delete the copy."
  type        = bool
  default     = true

  validation {
    condition     = !var.restore_test || length(var.restore_types) >= 1
    error_message = "Say by restore_types what is restored, or turn restore_test off."
  }
}

variable "restore_types" {
  description = "Kinds that the restore test covers, with what a copy needs in order to start: for Aurora and RDS dbSubnetGroupName and vpcSecurityGroupIds."
  type        = map(map(string))
  default     = {}

  validation {
    condition     = alltrue([for type in keys(var.restore_types) : contains(["Aurora", "DynamoDB", "EBS", "EC2", "EFS", "RDS", "S3"], type)])
    error_message = "Kinds are Aurora, DynamoDB, EBS, EC2, EFS, RDS and S3."
  }
}

