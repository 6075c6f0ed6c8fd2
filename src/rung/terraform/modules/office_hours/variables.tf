variable "name" {
  description = "Name of the schedules and state machines: <workload>-<environment>-<part>. They are called <name>-start and <name>-stop."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]{0,53}$", var.name))
    error_message = "1 to 54 letters, digits and hyphens."
  }
}

variable "account_id" {
  description = "AWS account of services and databases."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "region" {
  description = "Region of services and databases."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region reads like eu-central-1 or us-gov-west-1."
  }
}

variable "log_key_arn" {
  description = "Key for the schedules and for the log group of starts and stops."
  type        = string
}

variable "cluster_name" {
  description = "ECS cluster of the services."
  type        = string
}

variable "services" {
  description = "Services by name, with the number of tasks they have while they run. max_tasks null: the service does not scale by itself."
  type = map(object({
    min_tasks = number
    max_tasks = optional(number)
  }))
  default = {}

  validation {
    condition     = length(var.services) + length(var.host_groups) >= 1
    error_message = "Without a service and without a group of hosts there is nothing to start and to stop."
  }

  validation {
    condition     = alltrue([for service in values(var.services) : service.min_tasks >= 1 && coalesce(service.max_tasks, service.min_tasks) >= service.min_tasks])
    error_message = "A running service has at least one task, and max_tasks is not below min_tasks."
  }
}

variable "host_groups" {
  description = "Auto-scaling groups by name, with the number of hosts they have while they run."
  type = map(object({
    min_hosts = number
    max_hosts = number
  }))
  default = {}

  validation {
    condition     = alltrue([for group in values(var.host_groups) : group.min_hosts >= 1 && group.max_hosts >= group.min_hosts])
    error_message = "A running group has at least one host, and max_hosts is not below min_hosts."
  }
}

variable "database_clusters" {
  description = "Aurora clusters that stop too, by identifier. One with min_acu = 0 pauses by itself and need not be here."
  type        = list(string)
  default     = []
}

variable "database_instances" {
  description = "RDS instances that stop too, by identifier."
  type        = list(string)
  default     = []
}

variable "timezone" {
  description = "Where the office is: Europe/Berlin. Summer time is AWS's business."
  type        = string
  default     = "UTC"

  validation {
    condition     = can(regex("^(UTC|[A-Z][A-Za-z]+(/[A-Za-z_+-]+)+)$", var.timezone))
    error_message = "A name of the time-zone database, such as Europe/Berlin, or UTC."
  }
}

variable "start_expression" {
  description = "When it starts by itself: cron(0 7 ? * MON-FRI *); null: only on demand."
  type        = string
  default     = null

  validation {
    condition     = var.start_expression == null ? true : can(regex("^(cron|rate|at)\\(.+\\)$", var.start_expression))
    error_message = "An expression such as cron(0 7 ? * MON-FRI *)."
  }
}

variable "stop_expression" {
  description = "When it stops by itself: cron(0 19 ? * MON-FRI *); null: never by the clock."
  type        = string
  default     = null

  validation {
    condition     = var.stop_expression == null ? true : can(regex("^(cron|rate|at)\\(.+\\)$", var.stop_expression))
    error_message = "An expression such as cron(0 19 ? * MON-FRI *)."
  }

  validation {
    condition     = var.stop_expression != null || var.idle_hours != null
    error_message = "Give stop_expression, idle_hours or both: something must stop it."
  }
}

variable "idle_hours" {
  description = "Hours without a request after which it stops; every request begins them anew. null: it does not watch."
  type        = number
  default     = null

  validation {
    condition     = var.idle_hours == null ? true : var.idle_hours >= 1 && var.idle_hours <= 24 && var.idle_hours == floor(var.idle_hours)
    error_message = "1 to 24 whole hours."
  }

  validation {
    condition     = var.idle_hours == null || var.load_balancer_suffix != null
    error_message = "Say by load_balancer_suffix whose requests are counted."
  }
}

variable "load_balancer_suffix" {
  description = "The load balancer whose requests are counted: app/<name>/<id>."
  type        = string
  default     = null
}
