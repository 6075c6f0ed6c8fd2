variable "name" {
  description = "Name of the access point: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,62}$", var.name))
    error_message = "At most 63 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "file_system_id" {
  description = "The file system, which has mount targets in the zones of whoever mounts it."
  type        = string

  validation {
    condition     = can(regex("^fs-([0-9a-f]{8}|[0-9a-f]{17})$", var.file_system_id))
    error_message = "The id of a file system of EFS: fs-0a1b2c3d4e5f60718."
  }
}

variable "region" {
  description = "Region of the file system."
  type        = string
}

variable "account_id" {
  description = "AWS account of the file system."
  type        = string
}

variable "security_group_id" {
  description = "Security group of its mount targets: the module reach writes the rules that let tasks in."
  type        = string

  validation {
    condition     = can(regex("^sg-[0-9a-f]{8,17}$", var.security_group_id))
    error_message = "The id of a security group: sg-0a1b2c3d4e5f60718."
  }
}

variable "access_point_id" {
  description = "Access point that is there already; null: one is made."
  type        = string
  default     = null
}

variable "path" {
  description = "Folder of the file system that the access point shows as its root; made at the first mount when it is not there."
  type        = string
  default     = "/data"

  validation {
    condition     = can(regex("^(/[A-Za-z0-9._-]+){1,4}$", var.path))
    error_message = "One to four folders, beginning with a slash, and not the root itself."
  }
}

variable "user_id" {
  description = "User and group of everything that is written, whatever user a container runs as."
  type        = number
  default     = 1000

  validation {
    condition     = var.user_id >= 1 && var.user_id <= 4294967295
    error_message = "Any number but 0, which is root."
  }
}
