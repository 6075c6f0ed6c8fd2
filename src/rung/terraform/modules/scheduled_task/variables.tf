variable "name" {
  description = "Name of the schedule, its group and its role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,51}$", var.name))
    error_message = "name must be 1 to 52 letters, digits and hyphens, beginning with a letter."
  }
}

variable "platform" {
  description = "Where tasks run: cluster, subnets, and the KMS key that encrypts the schedule and its dead-letter queue. A public address only without NAT and endpoints."
  type = object({
    cluster_arn      = string
    subnet_ids       = list(string)
    key_arn          = string
    assign_public_ip = optional(bool, false)
  })

  validation {
    condition     = length(var.platform.subnet_ids) > 0
    error_message = "platform.subnet_ids must have one subnet at least."
  }
}

variable "job" {
  description = "What is started, the module ecs_job: its task definition (every revision of its family may be started, and no other), the roles that the scheduler hands over, and its security group."
  type = object({
    task_definition_arn = string
    task_role_arn       = string
    execution_role_arn  = string
    security_group_id   = string
  })
}

variable "expression" {
  description = "When: rate(1 minute), cron(0 3 * * ? *) or at(2027-01-01T00:00:00)."
  type        = string

  validation {
    condition     = can(regex("^rate\\([1-9][0-9]* (minutes?|hours?|days?)\\)$", var.expression)) || can(regex("^cron\\(\\S+( \\S+){5}\\)$", var.expression)) || can(regex("^at\\([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\)$", var.expression))
    error_message = "expression must be rate(<n> minutes|hours|days), cron(<six fields>) or at(<yyyy-mm-ddThh:mm:ss>)."
  }
}

variable "timezone" {
  description = "Time zone of a cron or at expression, by its IANA name; daylight saving is followed."
  type        = string
  default     = "UTC"

  validation {
    condition     = can(regex("^[A-Za-z_+-]+(/[A-Za-z0-9_+-]+){0,2}$", var.timezone))
    error_message = "timezone must be an IANA name, such as Europe/Zurich."
  }
}

variable "container_name" {
  description = "Container of the task that is told the moment of the run, as RUNG_TICK_AT."
  type        = string
  default     = "app"
}

variable "max_attempts" {
  description = "How often the scheduler tries to start the task again when ECS refuses. What happens inside the task is not its concern."
  type        = number
  default     = 2

  validation {
    condition     = var.max_attempts >= 0 && var.max_attempts <= 185
    error_message = "max_attempts must be 0 to 185."
  }
}

variable "maximum_age_seconds" {
  description = "Seconds after which a start that failed is not tried again and goes to the dead-letter queue. Shorter than the interval, or two come at once."
  type        = number
  default     = 300

  validation {
    condition     = var.maximum_age_seconds >= 60 && var.maximum_age_seconds <= 86400
    error_message = "maximum_age_seconds must be 60 to 86400."
  }
}

variable "enabled" {
  description = "Whether it runs; off while an environment sleeps."
  type        = bool
  default     = true
}

variable "permissions_boundary_arn" {
  description = "Policy that the role cannot exceed, where the account asks for one."
  type        = string
  default     = null
}
