variable "name" {
  description = "Name of the service, its task family and its roles."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,49}$", var.name))
    error_message = "name must be 1 to 50 letters, digits and hyphens, beginning with a letter."
  }
}

variable "role" {
  description = "What it is: web (answers requests), worker (takes messages), scheduler (exactly one, never two at once, not even in a deployment)."
  type        = string

  validation {
    condition     = contains(["web", "worker", "scheduler"], var.role)
    error_message = "role must be web, worker or scheduler."
  }

  validation {
    condition     = var.role != "scheduler" || var.max_tasks == 1
    error_message = "max_tasks must be 1 for a scheduler: two would do everything twice."
  }
}

variable "platform" {
  description = "What all tasks of an environment are given: name (<workload>-<environment>; what follows it in the name of a task is its RUNG_NODE), cluster, network, image and its repository, the key of logs, days to keep them, environment variables. Tasks have public addresses only where neither NAT nor endpoints would let them fetch their image."
  type = object({
    name             = optional(string)
    cluster_arn      = string
    cluster_name     = string
    vpc_id           = string
    subnet_ids       = list(string)
    image            = string
    repository_arn   = string
    log_key_arn      = string
    log_days         = optional(number, 30)
    assign_public_ip = optional(bool, false)
    environment      = optional(map(string), {})
  })

  validation {
    condition     = length(var.platform.subnet_ids) > 0
    error_message = "platform.subnet_ids must have one subnet at least."
  }

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

variable "port" {
  description = "Port the container listens on; null when it listens on none."
  type        = number
  default     = null

  validation {
    condition     = var.port == null ? true : var.port >= 1024 && var.port <= 65535
    error_message = "port must be 1024 to 65535: the process is not root and cannot open lower ones."
  }
}

variable "health_path" {
  description = "Path that is asked inside the container, by HTTP on port; null for no check there. It must not touch a database."
  type        = string
  default     = null

  validation {
    condition     = var.health_path == null ? true : startswith(var.health_path, "/") && var.port != null
    error_message = "health_path must begin with / and needs port."
  }
}

variable "health_command" {
  description = "How the container asks for its own health, in ECS syntax (CMD first), where the image has no Python to do it with."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.health_command) == 0 || contains(["CMD", "CMD-SHELL"], try(var.health_command[0], ""))
    error_message = "health_command must begin with CMD or CMD-SHELL."
  }
}

variable "stop_seconds" {
  description = "Seconds a task has after SIGTERM. Longer than the load balancer's deregistration delay, or requests are cut."
  type        = number
  default     = 60

  validation {
    condition     = var.stop_seconds >= 2 && var.stop_seconds <= 120
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

variable "discovery" {
  description = "How other tasks find it: by name in the private DNS zone namespace_id of the cluster, each task an address. Null when nobody calls it."
  type = object({
    namespace_id = string
    name         = string
  })
  default = null

  validation {
    condition     = var.discovery == null || var.port != null
    error_message = "discovery needs port: what is found must listen."
  }
}

variable "target_group_arns" {
  description = "Target groups of load balancers that send requests to port."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.target_group_arns) == 0 || var.port != null
    error_message = "target_group_arns need port: where requests go."
  }
}

variable "target_group_suffix" {
  description = "Last part of the target group's ARN, for scaling by requests."
  type        = string
  default     = null
}

variable "load_balancer_suffix" {
  description = "Last part of the load balancer's ARN, for scaling by requests."
  type        = string
  default     = null
}

variable "grace_seconds" {
  description = "Seconds a new task has before a failed check of the load balancer counts."
  type        = number
  default     = 60

  validation {
    condition     = var.grace_seconds >= 0 && var.grace_seconds <= 3600
    error_message = "grace_seconds must be 0 to 3600."
  }
}

variable "min_tasks" {
  description = "Fewest tasks."
  type        = number
  default     = 1

  validation {
    condition     = var.min_tasks >= 0 && var.min_tasks <= var.max_tasks && floor(var.min_tasks) == var.min_tasks
    error_message = "min_tasks must be a whole number from 0 to max_tasks."
  }

  validation {
    condition     = var.min_tasks > 0 || var.role != "web"
    error_message = "min_tasks must be 1 at least for role web: requests start no task."
  }
}

variable "max_tasks" {
  description = "Most tasks. Their database connections together must fit the server's limit."
  type        = number
  default     = 4

  validation {
    condition     = var.max_tasks >= 1 && var.max_tasks <= 5000 && floor(var.max_tasks) == var.max_tasks
    error_message = "max_tasks must be a whole number from 1 to 5000."
  }
}

variable "on_demand_base" {
  description = "Number of tasks that are never on Spot."
  type        = number
  default     = 1

  validation {
    condition     = var.on_demand_base >= 0 && var.on_demand_base <= 100000
    error_message = "on_demand_base must be 0 or more."
  }
}

variable "spot_share" {
  description = "Share of the tasks beyond on_demand_base on Fargate Spot, 0 to 1: 70 % cheaper, taken away with two minutes' notice, and not replaced by on-demand when there is no Spot."
  type        = number
  default     = 0

  validation {
    condition     = var.spot_share >= 0 && var.spot_share <= 1
    error_message = "spot_share must be 0 to 1."
  }

  validation {
    condition     = var.role != "web" || var.spot_share == 0 || var.on_demand_base >= 1
    error_message = "on_demand_base must be 1 at least for role web with Spot: a shortage of Spot would leave nobody to answer."
  }
}

variable "scaling" {
  description = "What the number of tasks follows. cpu_target, memory_target: percent; requests_target: per task and minute; backlog_target: messages waiting per task, of the queues in queue_names; from_zero: the first message starts the first task. With none of the targets, 70 % of the CPU."
  type = object({
    cpu_target                 = optional(number)
    memory_target              = optional(number)
    requests_target            = optional(number)
    backlog_target             = optional(number)
    queue_names                = optional(list(string), [])
    from_zero                  = optional(bool, false)
    scale_out_cooldown_seconds = optional(number, 60)
    scale_in_cooldown_seconds  = optional(number, 300)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for target in [var.scaling.cpu_target, var.scaling.memory_target] : target == null ? true : target >= 10 && target <= 90])
    error_message = "cpu_target and memory_target must be 10 to 90 percent: above that there is no room to start a task in."
  }

  validation {
    condition     = alltrue([for target in [var.scaling.requests_target, var.scaling.backlog_target] : target == null ? true : target > 0])
    error_message = "requests_target and backlog_target must be above 0."
  }

  validation {
    condition     = (var.scaling.backlog_target == null && !var.scaling.from_zero) || length(var.scaling.queue_names) > 0
    error_message = "queue_names must have one queue at least with backlog_target or from_zero."
  }

  validation {
    condition     = length(var.scaling.queue_names) <= (var.scaling.from_zero ? 4 : 8)
    error_message = "queue_names must have 8 queues at most, 4 with from_zero: a scaling expression reads ten metrics."
  }

  validation {
    condition     = var.scaling.from_zero ? var.min_tasks == 0 : true
    error_message = "min_tasks must be 0 with from_zero."
  }

  validation {
    condition     = var.scaling.backlog_target == null || var.scaling.from_zero || var.min_tasks > 0
    error_message = "from_zero must be set with min_tasks 0: target tracking alone never starts the first task."
  }
}

variable "schedules" {
  description = "Other limits from a time on, by name. max_tasks: those of the service where it is not set."
  type = map(object({
    cron      = string
    timezone  = optional(string, "UTC")
    min_tasks = number
    max_tasks = optional(number)
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for s in values(var.schedules) : s.min_tasks >= 0 && s.min_tasks <= coalesce(s.max_tasks, var.max_tasks) && can(regex("^(cron|at|rate)\\(.+\\)$", s.cron))])
    error_message = "every schedule must have cron as cron(...), rate(...) or at(...), and min_tasks from 0 to max_tasks."
  }
}

variable "rollback_alarms" {
  description = "Names of alarms that roll a deployment back when they ring in it. One that rings already when it begins is not looked at."
  type        = list(string)
  default     = []
}

variable "wait_for_steady_state" {
  description = "Whether apply waits until the new tasks have taken over. A pipeline that waits itself needs it not."
  type        = bool
  default     = false
}

variable "session_log_group_arn" {
  description = "Log of the cluster's sessions: with it, whoever may open a session (ECS Exec) can; null for nobody."
  type        = string
  default     = null
}

variable "sessions" {
  description = "Whether sessions into the containers (ECS Exec) are possible. Not while faults are injected into the network."
  type        = bool
  default     = false

  validation {
    condition     = !var.sessions || var.session_log_group_arn != null
    error_message = "session_log_group_arn must be set with sessions: what is done in them is logged."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role of this module can exceed, where the account asks for one."
  type        = string
  default     = null
}
