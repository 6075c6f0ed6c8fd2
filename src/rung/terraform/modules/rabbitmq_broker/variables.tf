variable "name" {
  description = "Name of the broker: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 50
    error_message = "At most 50 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the security group."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, each in another zone. One instance takes the first of them."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 1
    error_message = "At least one subnet: the broker has no public address."
  }
}

variable "login_secret_arn" {
  description = "Secret with username and password as JSON, which must be there before the broker. CloudFormation reads the password as whoever applies; processes read both."
  type        = string

  validation {
    condition     = can(regex("^arn:[a-z-]+:secretsmanager:", var.login_secret_arn))
    error_message = "An ARN of Secrets Manager."
  }
}

variable "username" {
  description = "The user of the secret, whom the broker is made with."
  type        = string
  default     = "app"

  validation {
    condition     = can(regex("^[A-Za-z0-9._-]{2,100}$", var.username)) && var.username != "guest"
    error_message = "2 to 100 letters, digits, dots, hyphens and underscores; guest is Amazon MQ's own."
  }
}

variable "engine_version" {
  description = "Major and minor version of RabbitMQ; Amazon MQ applies patches in the maintenance window. Version 4 runs on mq.m7g alone."
  type        = string
  default     = "4.2"

  validation {
    condition     = contains(["3.13", "4.2", "4.3"], var.engine_version)
    error_message = "A version that Amazon MQ offers: 3.13, 4.2 or 4.3."
  }
}

variable "instance_type" {
  description = "Type of each instance. mq.m7g.medium is for trying out; mq.m7g.large and above for production."
  type        = string
  default     = "mq.m7g.medium"

  validation {
    condition     = can(regex("^mq\\.(m5|m7g)\\.[a-z0-9]+$", var.instance_type))
    error_message = "A type like mq.m7g.large: RabbitMQ runs on m7g and m5 alone."
  }

  validation {
    condition     = startswith(var.instance_type, "mq.m7g.") || !startswith(var.engine_version, "4.")
    error_message = "Version 4 runs on mq.m7g alone."
  }
}

variable "cluster" {
  description = "Three instances in as many zones, each with every message of a quorum queue. Otherwise one, which is away while it is patched."
  type        = bool
  default     = false
}
