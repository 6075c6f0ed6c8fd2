variable "name" {
  description = "Name of the function and its role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,49}$", var.name))
    error_message = "name must be 1 to 50 letters, digits and hyphens, beginning with a letter."
  }
}

variable "platform" {
  description = "What all processes of an environment are given: name (<workload>-<environment>; what follows it in the name of a function is its RUNG_NODE), VPC and subnets, image and its repository, keys of data and logs, days to keep logs, environment variables."
  type = object({
    name           = optional(string)
    vpc_id         = string
    subnet_ids     = list(string)
    image          = string
    repository_arn = string
    key_arn        = string
    log_key_arn    = string
    log_days       = optional(number, 30)
    environment    = optional(map(string), {})
  })
}

variable "command" {
  description = "Program and arguments: it asks Lambda's runtime interface for events."
  type        = list(string)
}

variable "queues" {
  description = "The queues that start it, by name: ARN, messages of a batch, batches at once (at least 2), and seconds to wait for a batch to fill. Their visibility timeout must be six times timeout_seconds."
  type = map(object({
    arn            = string
    batch_size     = optional(number, 10)
    most_batches   = optional(number, 10)
    window_seconds = optional(number, 0)
  }))

  validation {
    condition     = length(var.queues) > 0 && alltrue([for queue in var.queues : queue.most_batches >= 2 && queue.most_batches <= 1000])
    error_message = "queues must have one queue, and most_batches must be 2 to 1000: what Lambda takes."
  }

  validation {
    condition     = alltrue([for queue in var.queues : queue.batch_size >= 1 && queue.batch_size <= (queue.window_seconds == 0 ? 10 : 10000) && queue.window_seconds >= 0 && queue.window_seconds <= 300])
    error_message = "batch_size must be 1 to 10, or to 10000 with a window_seconds of 1 to 300."
  }
}

variable "queue_key_arns" {
  description = "KMS keys of queues that others own; the environment's own key is known."
  type        = list(string)
  default     = []
}

variable "memory_mib" {
  description = "Memory in MiB; 1769 give one vCPU."
  type        = number
  default     = 1024

  validation {
    condition     = var.memory_mib >= 128 && var.memory_mib <= 10240
    error_message = "memory_mib must be 128 to 10240: what Lambda has."
  }
}

variable "ephemeral_mib" {
  description = "Storage below /tmp in MiB; 512 are in the price."
  type        = number
  default     = 512

  validation {
    condition     = var.ephemeral_mib >= 512 && var.ephemeral_mib <= 10240
    error_message = "ephemeral_mib must be 512 to 10240: what Lambda has."
  }
}

variable "timeout_seconds" {
  description = "Seconds after which Lambda ends a batch."
  type        = number
  default     = 30

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds must be 1 to 900: Lambda waits no longer."
  }
}

variable "reserved_concurrency" {
  description = "Executions at once that are kept for it, and its limit; null: those of its queues alone limit it."
  type        = number
  default     = null
}

variable "provisioned_concurrency" {
  description = "Execution environments that are always warm, and always paid for."
  type        = number
  default     = 0

  validation {
    condition     = var.provisioned_concurrency >= 0
    error_message = "provisioned_concurrency must be 0 or more."
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

variable "environment" {
  description = "Environment variables beside those of platform. Never a secret: whoever may read functions can read them."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for key in keys(var.environment) : can(regex("^[A-Za-z][A-Za-z0-9_]*$", key))])
    error_message = "every environment variable must have a name of letters, digits and underscores, beginning with a letter."
  }
}

variable "in_network" {
  description = "Whether it has an address in the VPC, to reach what is there; without, it reaches AWS and the internet."
  type        = bool
  default     = false
}

variable "file_systems" {
  description = "A shared file system (EFS) below /mnt/, by its access point. Lambda mounts one."
  type = list(object({
    access_point_arn = string
    path             = string
  }))
  default = []

  validation {
    condition     = length(var.file_systems) <= 1 && alltrue([for system in var.file_systems : startswith(system.path, "/mnt/")])
    error_message = "Lambda mounts one file system, below /mnt/."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role of this module can exceed, where the account asks for one."
  type        = string
  default     = null
}
