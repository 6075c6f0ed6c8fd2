variable "name" {
  description = "Name of the file system: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.name))
    error_message = "At most 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the security group."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets that get a mount target: one in each zone that tasks run in."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "Without a mount target nobody reaches the file system."
  }
}

variable "key_arn" {
  description = "Key for files and their names."
  type        = string
}

variable "path" {
  description = "Folder of the file system that the access point shows as its root."
  type        = string
  default     = "/data"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9._-]+){1,4}$", var.path))
    error_message = "One to four folders, beginning with a slash, and not the root itself."
  }
}

variable "user_id" {
  description = "User and group that all files belong to, whatever user a container runs as."
  type        = number
  default     = 1000

  validation {
    condition     = var.user_id >= 1 && var.user_id <= 4294967295
    error_message = "Any number but 0, which is root."
  }
}

variable "archive_days" {
  description = "Days without an access after which a file moves to the cheaper storage class; null: never."
  type        = number
  default     = 30

  validation {
    condition     = var.archive_days == null ? true : contains([1, 7, 14, 30, 60, 90, 180, 270, 365], var.archive_days)
    error_message = "1, 7, 14, 30, 60, 90, 180, 270 or 365 days."
  }
}

variable "automatic_backups" {
  description = "Let EFS back itself up every day for 35 days. Turn it off where the module backup_plan protects the file system."
  type        = bool
  default     = true
}
