variable "name" {
  description = "What the network is called here; nothing is named after it in AWS."
  type        = string
}

variable "vpc_id" {
  description = "The VPC that is there."
  type        = string

  validation {
    condition     = can(regex("^vpc-[0-9a-f]+$", var.vpc_id))
    error_message = "vpc_id must be the id of a VPC, such as vpc-0a1b2c3d4e5f67890."
  }
}

variable "public_subnet_ids" {
  description = "Its subnets with a route to an internet gateway, for load balancers; none, or two in different zones at least."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.public_subnet_ids) != 1 && alltrue([for id in var.public_subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "public_subnet_ids must be empty or have two ids of subnets at least: a load balancer stands in two zones."
  }
}

variable "private_subnet_ids" {
  description = "Its subnets for compute, with a way out or endpoints; none, or two in different zones at least."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.private_subnet_ids) != 1 && alltrue([for id in var.private_subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "private_subnet_ids must be empty or have two ids of subnets at least: compute stands in two zones."
  }
}

variable "isolated_subnet_ids" {
  description = "Its subnets for databases; none, or two in different zones at least."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.isolated_subnet_ids) != 1 && alltrue([for id in var.isolated_subnet_ids : can(regex("^subnet-[0-9a-f]+$", id))])
    error_message = "isolated_subnet_ids must be empty or have two ids of subnets at least: AWS takes no database subnet group of one zone."
  }
}

variable "endpoints_security_group_id" {
  description = "Security group of its interface endpoints, when there are some; it needs to let the workload in on 443."
  type        = string
  default     = null
}

variable "gateway_endpoints" {
  description = "Gateway endpoints it has (s3, dynamodb), whose prefix lists are looked up for rules to them."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setsubtract(var.gateway_endpoints, ["s3", "dynamodb"])) == 0
    error_message = "gateway_endpoints must be of s3 and dynamodb."
  }
}

variable "region" {
  description = "Region of the VPC; the prefix lists of gateway_endpoints are named after it."
  type        = string
  default     = null

  validation {
    condition     = length(var.gateway_endpoints) == 0 || var.region != null
    error_message = "region must be set with gateway_endpoints."
  }
}
