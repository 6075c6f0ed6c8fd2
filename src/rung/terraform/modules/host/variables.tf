variable "name" {
  description = "Name of the machine, its role and its volumes."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{0,55}$", var.name))
    error_message = "name must be 1 to 56 letters, digits and hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the machine."
  type        = string
}

variable "subnet_id" {
  description = "Public subnet of the machine. Its data volume stays in the zone of this subnet."
  type        = string
}

variable "user_data" {
  description = "What cloud-init does at the first start: #cloud-config or a script. The data volume comes as /dev/sdf some seconds after the start. Never a secret: whoever may describe the machine can read it."
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
  description = "KMS key that encrypts the volumes."
  type        = string
}

variable "log_key_arn" {
  description = "KMS key that encrypts the log. Its policy must admit the CloudWatch Logs service."
  type        = string
}

variable "instance_type" {
  description = "Size of the machine, of the architecture."
  type        = string
  default     = "t4g.small"

  validation {
    condition     = can(regex("^[a-z0-9-]+\\.[a-z0-9]+$", var.instance_type))
    error_message = "instance_type must be a type of EC2, such as t4g.small."
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
  description = "Machine image; null for the newest Amazon Linux 2023. A newer one is taken when the machine is replaced, not before."
  type        = string
  default     = null
}

variable "root_gib" {
  description = "Size of the root volume in GiB. It goes with the machine."
  type        = number
  default     = 20

  validation {
    condition     = var.root_gib >= 8 && var.root_gib <= 16384
    error_message = "root_gib must be 8 to 16384."
  }
}

variable "data_gib" {
  description = "Size of the data volume in GiB. It survives the machine, and leaves a snapshot when it is deleted."
  type        = number
  default     = 20

  validation {
    condition     = var.data_gib >= 1 && var.data_gib <= 16384
    error_message = "data_gib must be 1 to 16384."
  }
}

variable "snapshots" {
  description = "Number of nightly snapshots of the data volume to keep; 0 for none. They come beside the backups, not instead of them: a database in one is as after a power cut."
  type        = number
  default     = 0

  validation {
    condition     = var.snapshots >= 0 && var.snapshots <= 1000
    error_message = "snapshots must be 0 to 1000."
  }
}

variable "hop_limit" {
  description = "How many hops the metadata service answers: 1 keeps containers from the machine's role, 2 gives it to containers on a Docker network."
  type        = number
  default     = 1

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

variable "domain" {
  description = "Name that leads to the machine, in zone_id; null for none."
  type        = string
  default     = null
}

variable "zone_id" {
  description = "Hosted zone of domain."
  type        = string
  default     = null
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
