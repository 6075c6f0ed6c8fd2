variable "name" {
  description = "Name of the group, its machines and their role."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,55}$", var.name))
    error_message = "name must be 1 to 56 letters, digits and hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the machines."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of the machines, one per zone."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) > 0
    error_message = "subnet_ids must have one subnet at least."
  }
}

variable "user_data" {
  description = "What cloud-init does at the first start: #cloud-config or a script. A new text replaces the machines one after the other. Never a secret: whoever may describe the machine can read it."
  type        = string

  validation {
    condition     = startswith(var.user_data, "#cloud-config") || startswith(var.user_data, "#!")
    error_message = "user_data must begin with #cloud-config or #!."
  }

  validation {
    condition     = length(base64gzip(var.user_data)) <= 20000
    error_message = "user_data must be at most about 15 KB when compressed: EC2 takes 16 KB, and the monitoring agent's part is in it as well."
  }
}

variable "key_arn" {
  description = "KMS key that encrypts the volumes. Its policy must admit the role AWSServiceRoleForAutoScaling, which starts machines with them."
  type        = string
}

variable "log_key_arn" {
  description = "KMS key that encrypts the log. Its policy must admit the CloudWatch Logs service."
  type        = string
}

variable "instance_type" {
  description = "Size of a machine, of the architecture."
  type        = string
  default     = "t4g.medium"

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9]+$", var.instance_type))
    error_message = "instance_type must be a type of EC2, such as t4g.medium."
  }

  validation {
    condition     = (var.architecture == "arm64") == can(regex("^([a-z]+[0-9]+g[a-z]*|a1)\\.", var.instance_type))
    error_message = "instance_type must be of the architecture: Graviton types (t4g, m7g, c8gn) are arm64, the others x86_64."
  }
}

variable "architecture" {
  description = "Processor: arm64 or x86_64."
  type        = string
  default     = "arm64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64."
  }
}

variable "image_id" {
  description = "Machine image; null for the newest Amazon Linux 2023 at each start."
  type        = string
  default     = null
}

variable "root_gib" {
  description = "Size of the root volume in GiB. Nothing on it is kept."
  type        = number
  default     = 30

  validation {
    condition     = var.root_gib >= 8 && var.root_gib <= 16384
    error_message = "root_gib must be 8 to 16384."
  }
}

variable "min_hosts" {
  description = "Fewest machines."
  type        = number
  default     = 1

  validation {
    condition     = var.min_hosts >= 1 && var.min_hosts <= var.max_hosts && floor(var.min_hosts) == var.min_hosts
    error_message = "min_hosts must be a whole number from 1 to max_hosts."
  }
}

variable "max_hosts" {
  description = "Most machines. Their database connections together must fit the server's limit."
  type        = number
  default     = 3

  validation {
    condition     = var.max_hosts >= 1 && var.max_hosts <= 100 && floor(var.max_hosts) == var.max_hosts
    error_message = "max_hosts must be a whole number from 1 to 100."
  }
}

variable "cpu_target" {
  description = "Percent of the processors that the number of machines keeps to."
  type        = number
  default     = 60

  validation {
    condition     = var.cpu_target >= 10 && var.cpu_target <= 90
    error_message = "cpu_target must be 10 to 90: above that there is no room to start a machine in."
  }
}

variable "warm_up_seconds" {
  description = "Seconds from the start of a machine until it carries its share: no count of its processor, no judgement of its health before."
  type        = number
  default     = 240

  validation {
    condition     = var.warm_up_seconds >= 30 && var.warm_up_seconds <= 3600
    error_message = "warm_up_seconds must be 30 to 3600."
  }
}

variable "target_group_arns" {
  description = "Target groups (type instance) of load balancers; their health checks then decide which machine is replaced."
  type        = list(string)
  default     = []
}

variable "hop_limit" {
  description = "How many hops the metadata service answers: 1 keeps containers from the machine's role, 2 gives it to containers on a Docker network."
  type        = number
  default     = 2

  validation {
    condition     = contains([1, 2], var.hop_limit)
    error_message = "hop_limit must be 1 or 2."
  }
}

variable "management" {
  description = "How people get in: ssm (sessions of Systems Manager) or tailscale (which user_data sets up; ssm stays as the way back). No port is opened for either."
  type        = string
  default     = "ssm"

  validation {
    condition     = contains(["ssm", "tailscale"], var.management)
    error_message = "management must be ssm or tailscale."
  }
}

variable "log_days" {
  description = "Days to keep the log."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days must be a retention CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a number of whole years up to 3653."
  }
}

variable "permissions_boundary_arn" {
  description = "Policy that no role of this module can exceed, where the account asks for one."
  type        = string
  default     = null
}
