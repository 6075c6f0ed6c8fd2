variable "name" {
  description = "Name of the cluster."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]{0,254}$", var.name))
    error_message = "name must be up to 255 letters, digits, hyphens and underscores, beginning with a letter."
  }
}

variable "log_key_arn" {
  description = "KMS key that encrypts sessions into containers and their log."
  type        = string
}

variable "container_insights" {
  description = "Whether ECS measures tasks. Scaling on backlog reads these metrics: without them it never acts."
  type        = bool
  default     = true
}

variable "session_log_days" {
  description = "Days to keep what was typed in sessions (ECS Exec)."
  type        = number
  default     = 365

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.session_log_days)
    error_message = "session_log_days must be a retention CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a number of whole years up to 3653."
  }
}

variable "namespace" {
  description = "Private DNS zone in which services find one another, such as shop.internal; null for none."
  type        = string
  default     = null

  validation {
    condition     = var.namespace == null ? true : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$", var.namespace))
    error_message = "namespace must be a DNS name, such as shop.internal."
  }
}

variable "vpc_id" {
  description = "VPC in which namespace is known; needed with it."
  type        = string
  default     = null
}
