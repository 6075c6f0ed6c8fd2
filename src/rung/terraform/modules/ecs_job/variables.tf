variable "name" {
  description = "Name of the task family and its roles."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,49}$", var.name))
    error_message = "name must be 1 to 50 letters, digits and hyphens, beginning with a letter."
  }
}

variable "platform" {
  description = "What all tasks of an environment are given: name (<workload>-<environment>; what follows it in the name of a task is its RUNG_NODE), cluster, VPC, image and its repository, the key of logs, days to keep them, environment variables; and, for what the clock starts, subnets and the key of schedules."
  type = object({
    name             = optional(string)
    cluster_arn      = string
    vpc_id           = string
    image            = string
    repository_arn   = string
    log_key_arn      = string
    subnet_ids       = optional(list(string), [])
    key_arn          = optional(string)
    assign_public_ip = optional(bool, false)
    log_days         = optional(number, 30)
    environment      = optional(map(string), {})
  })

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.platform.log_days)
    error_message = "platform.log_days must be a retention CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a number of whole years up to 3653."
  }
}

variable "command" {
  description = "Program and arguments, instead of those of the image; empty for the image's own."
  type        = list(string)
  default     = []
}

variable "cpu" {
  description = "vCPU of a task."
  type        = number
  default     = 0.25

  validation {
    condition     = contains([0.25, 0.5, 1, 2, 4, 8, 16], var.cpu)
    error_message = "cpu must be 0.25, 0.5, 1, 2, 4, 8 or 16: what Fargate has."
  }
}

variable "memory_mib" {
  description = "Memory of a task in MiB."
  type        = number
  default     = 512

  validation {
    condition = contains(lookup({
      "0.25" = [512, 1024, 2048]
      "0.5"  = range(1024, 4097, 1024)
      "1"    = range(2048, 8193, 1024)
      "2"    = range(4096, 16385, 1024)
      "4"    = range(8192, 30721, 1024)
      "8"    = range(16384, 61441, 4096)
      "16"   = range(32768, 122881, 8192)
    }, tostring(var.cpu), [var.memory_mib]), var.memory_mib)
    error_message = "memory_mib must fit cpu on Fargate: 0.25 has 512, 1024, 2048; 0.5 has 1-4 GiB; 1 has 2-8; 2 has 4-16; 4 has 8-30; 8 has 16-60 by 4; 16 has 32-120 by 8."
  }
}

variable "architecture" {
  description = "Processor: arm64 (a fifth cheaper) or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "stop_seconds" {
  description = "Seconds the task has after SIGTERM, to put away what it has done; null: five more than deadline_seconds, 120 at most."
  type        = number
  default     = null

  validation {
    condition     = var.stop_seconds == null ? true : var.stop_seconds >= 2 && var.stop_seconds <= 120
    error_message = "stop_seconds must be 2 to 120: Fargate waits no longer."
  }
}

variable "environment" {
  description = "Environment variables beside those of platform. Never a secret: whoever may read task definitions can read them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z_][A-Za-z0-9_]*$", key))])
    error_message = "every environment variable must have a name of letters, digits and underscores."
  }
}

variable "deadline_seconds" {
  description = "Seconds one run may take. ECS knows no deadline: the program reads RUNG_DEADLINE_SECONDS, and whoever starts the run stops it after that."
  type        = number
  default     = 3600

  validation {
    condition     = var.deadline_seconds >= 1 && var.deadline_seconds <= 86400
    error_message = "deadline_seconds must be 1 to 86400."
  }
}

variable "on_deploy" {
  description = "Whether the pipeline runs it before the services change, such as a migration. It finds it by the tag RunOnDeploy."
  type        = bool
  default     = false
}

variable "secrets" {
  description = "Environment variables that ECS fills from Secrets Manager when a task starts: name to ARN of the secret (or arn:...:key:: for one key of it). They do not change while a task runs: what rotates is read by the program itself."
  type        = map(string)
  default     = {}
}

variable "key_arn" {
  description = "KMS key of secrets; the execution role may decrypt with it. Null when there are none or they have the AWS key."
  type        = string
  default     = null
}

variable "user" {
  description = "User and group of the process, by number. Not root."
  type        = string
  default     = "10001:10001"

  validation {
    condition     = can(regex("^[1-9][0-9]*(:[1-9][0-9]*)?$", var.user))
    error_message = "user must be numbers, such as 10001:10001, and not 0."
  }
}

variable "writable_paths" {
  description = "Folders the process may write to, on storage that goes with the task; the rest is read-only. The image must declare each as a VOLUME with the owner's rights, or it belongs to root."
  type        = list(string)
  default     = ["/tmp"]

  validation {
    condition     = alltrue([for path in var.writable_paths : startswith(path, "/") && path != "/"])
    error_message = "writable_paths must be absolute, and not / itself."
  }
}

variable "file_systems" {
  description = "Shared file systems (EFS) at paths, each through an access point and as the task's own role."
  type = list(object({
    id              = string
    access_point_id = string
    path            = string
    read_only       = optional(bool, false)
  }))
  default = []

  validation {
    condition     = alltrue([for system in var.file_systems : startswith(system.path, "/") && system.path != "/"])
    error_message = "every path must be absolute, and not / itself."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role of this module can exceed, where the account asks for one."
  type        = string
  default     = null
}

variable "schedule" {
  description = "When the clock starts it: expression, such as rate(1 minute) or cron(0 3 * * ? *), in a time zone. A start that fails is tried again for maximum_age_seconds, shorter than the interval. Null: something else starts it. See the module scheduled_task."
  type = object({
    expression          = string
    timezone            = optional(string, "UTC")
    max_attempts        = optional(number, 2)
    maximum_age_seconds = optional(number, 300)
    enabled             = optional(bool, true)
  })
  default = null
}
