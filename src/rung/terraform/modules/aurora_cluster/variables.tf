variable "name" {
  description = "Identifier of the cluster: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 50
    error_message = "At most 50 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the cluster's security group."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, at least two in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Aurora keeps copies in several zones: give it subnets in two zones or more."
  }
}

variable "key_arn" {
  description = "Key for storage, backups, the master password's secret and Performance Insights."
  type        = string
}

variable "log_key_arn" {
  description = "Key for the log group of the exported PostgreSQL log."
  type        = string
}

variable "engine_version" {
  description = "Major version alone: AWS takes minor versions out of its catalogue, and moves a cluster on within a major version."
  type        = string
  default     = "17"

  validation {
    condition     = contains(["14", "15", "16", "17"], var.engine_version)
    error_message = "A major version of Aurora PostgreSQL: 14, 15, 16 or 17."
  }
}

variable "database" {
  description = "Database that is created with the cluster."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[a-z][a-z0-9_]{0,62}$", var.database))
    error_message = "A database's name has at most 63 lower-case letters, digits and underscores and begins with a letter."
  }
}

variable "min_acu" {
  description = "Capacity it keeps, in Aurora capacity units of about 2 GiB. 0: it pauses when nobody is connected."
  type        = number
  default     = 0.5

  validation {
    condition     = var.min_acu >= 0 && var.min_acu <= 256 && var.min_acu * 2 == floor(var.min_acu * 2)
    error_message = "From 0 to 256 in steps of 0.5."
  }
}

variable "max_acu" {
  description = "Capacity it may grow to, in Aurora capacity units."
  type        = number
  default     = 4

  validation {
    condition     = var.max_acu >= 1 && var.max_acu <= 256 && var.max_acu * 2 == floor(var.max_acu * 2)
    error_message = "From 1 to 256 in steps of 0.5."
  }

  validation {
    condition     = var.max_acu >= var.min_acu
    error_message = "max_acu must be as large as min_acu."
  }
}

variable "pause_seconds" {
  description = "Seconds without a connection before a cluster with min_acu = 0 pauses; null: an hour. An open pool of connections keeps it awake for ever."
  type        = number
  default     = null

  validation {
    condition     = var.pause_seconds == null ? true : var.pause_seconds >= 300 && var.pause_seconds <= 86400
    error_message = "A cluster pauses after 300 to 86400 seconds."
  }

  validation {
    condition     = var.pause_seconds == null || var.min_acu == 0
    error_message = "Only a cluster with min_acu = 0 pauses."
  }
}

variable "readers" {
  description = "Readers beside the writer: the first takes over when the writer fails."
  type        = number
  default     = 0

  validation {
    condition     = var.readers >= 0 && var.readers <= 15 && var.readers == floor(var.readers)
    error_message = "Aurora has 0 to 15 readers."
  }
}

variable "backup_days" {
  description = "Days to which the cluster can be restored, to the second."
  type        = number
  default     = 7

  validation {
    condition     = var.backup_days >= 1 && var.backup_days <= 35
    error_message = "Aurora keeps backups for 1 to 35 days."
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
  description = "Days for which the PostgreSQL log is kept."
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
