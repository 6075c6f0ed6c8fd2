variable "name" {
  description = "Identifier of the instance: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 50
    error_message = "At most 50 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the instance's security group."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, at least two in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "RDS asks for subnets in two zones or more, for the day the instance gets a standby."
  }
}

variable "key_arn" {
  description = "Key for storage, backups, the master password's secret and Performance Insights."
  type        = string
}

variable "log_key_arn" {
  description = "Key for the log groups of the exported logs."
  type        = string
}

variable "engine_version" {
  description = "Major version alone: AWS takes minor versions out of its catalogue, and moves an instance on within a major version."
  type        = string
  default     = "17"

  validation {
    condition     = contains(["14", "15", "16", "17"], var.engine_version)
    error_message = "A major version of PostgreSQL: 14, 15, 16 or 17."
  }
}

variable "database" {
  description = "Database that is created with the instance."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "A database's name has at most 63 lower-case letters, digits and underscores and begins with a letter."
  }
}

variable "instance_class" {
  description = "Size of the instance; t4g, m7g and r7g are ARM."
  type        = string
  default     = "db.t4g.micro"

  validation {
    condition     = can(regex("^db\\.[a-z0-9]+\\.[a-z0-9]+$", var.instance_class))
    error_message = "An instance class reads like db.t4g.micro."
  }
}

variable "storage_gib" {
  description = "Storage it starts with, in GiB (gp3)."
  type        = number
  default     = 20

  validation {
    condition     = var.storage_gib >= 20 && var.storage_gib <= 65536
    error_message = "gp3 storage has 20 to 65536 GiB."
  }
}

variable "max_storage_gib" {
  description = "Storage it grows to by itself, in GiB. Equal to storage_gib: it does not grow."
  type        = number
  default     = 100

  validation {
    condition     = var.max_storage_gib == var.storage_gib || var.max_storage_gib >= var.storage_gib * 1.1
    error_message = "Growing storage needs a limit at least a tenth above storage_gib, or the same number for no growth."
  }
}

variable "multi_zone" {
  description = "Keep a standby in another zone that takes over within a minute or two."
  type        = bool
  default     = false
}

variable "backup_days" {
  description = "Days to which the instance can be restored, to the second."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "RDS keeps backups for 1 to 35 days."
  }
}

variable "protected" {
  description = "Refuse deletion, take a last snapshot and keep the automated backups if it is deleted after all."
  type        = bool
  default     = true
}

variable "extensions" {
  description = "Extensions that the application creates. Those that must be loaded at start are."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for extension in var.extensions : can(regex("^[a-z][a-z0-9_-]*$", extension))])
    error_message = "Extensions are named as in CREATE EXTENSION: pg_trgm, vector, pg_cron."
  }
}

variable "log_days" {
  description = "Days for which the logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "CloudWatch Logs keeps 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or more days (see its list)."
  }
}

variable "apply_immediately" {
  description = "Apply changes at once instead of in the maintenance window."
  type        = bool
  default     = false
}
