variable "name" {
  description = "Name of the VPC, and first part of the names of what is in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,47}$", var.name))
    error_message = "name must be 2 to 48 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  description = "Region of the VPC; interface endpoints are named after it."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "region must be the name of an AWS region, such as eu-central-1."
  }
}

variable "log_key_arn" {
  description = "KMS key that encrypts the flow logs. Its policy must admit the CloudWatch Logs service."
  type        = string
}

variable "cidr" {
  description = "Addresses of the VPC. Every subnet takes a sixteenth of it."
  type        = string
  default     = "10.0.0.0/16"

  validation {
    condition     = can(cidrhost(var.cidr, 0)) && can(regex("/(1[6-9]|2[0-2])$", var.cidr))
    error_message = "cidr must be an IPv4 range from /16 to /22, such as 10.0.0.0/16: a load balancer needs subnets of at least /26."
  }
}

variable "zones" {
  description = "Number of availability zones. Two survive the loss of one; databases and load balancers ask for two at least, a single machine for one."
  type        = number
  default     = 2

  validation {
    condition     = contains([1, 2, 3], var.zones)
    error_message = "zones must be 1, 2 or 3."
  }

  validation {
    condition     = var.zones > 1 || length(setsubtract(var.tiers, ["public"])) == 0
    error_message = "zones must be 2 at least with private or isolated subnets: AWS takes no load balancer and no database of one zone."
  }
}

variable "availability_zones" {
  description = "Zones by name, when it matters which; else the first ones of the region. At least as many as zones."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.availability_zones) == 0 || length(distinct(var.availability_zones)) >= var.zones
    error_message = "availability_zones must be empty or name at least as many different zones as zones says."
  }
}

variable "tiers" {
  description = "Subnets in each zone: public (load balancer, NAT), private (compute), isolated (databases)."
  type        = set(string)
  default     = ["public", "private", "isolated"]

  validation {
    condition     = length(var.tiers) > 0 && length(setsubtract(var.tiers, ["public", "private", "isolated"])) == 0
    error_message = "tiers must be one or more of public, private and isolated."
  }
}

variable "nat" {
  description = "How private subnets reach the internet: none, instance (one small machine), single (one gateway), per_zone (one gateway each)."
  type        = string
  default     = "single"

  validation {
    condition     = contains(["none", "instance", "single", "per_zone"], var.nat)
    error_message = "nat must be none, instance, single or per_zone."
  }

  validation {
    condition     = var.nat == "none" || length(setsubtract(["public", "private"], var.tiers)) == 0
    error_message = "nat must be none without public and private tiers: a gateway stands in the one and serves the other."
  }
}

variable "nat_instance_type" {
  description = "Machine of nat = instance; an arm64 one."
  type        = string
  default     = "t4g.nano"

  validation {
    condition     = can(regex("^[a-z]+[0-9]+g[a-z]*\\.[a-z0-9]+$", var.nat_instance_type))
    error_message = "nat_instance_type must be a Graviton type, such as t4g.nano or c7gn.medium."
  }
}

variable "interface_endpoints" {
  description = "AWS services reached without leaving the VPC, such as ecr.api, ecr.dkr, logs. One address per zone and service is paid by the hour."
  type        = set(string)
  default     = []

  validation {
    condition     = length(var.interface_endpoints) == 0 || contains(var.tiers, "private")
    error_message = "interface_endpoints need the private tier: they stand in its subnets."
  }

  validation {
    condition     = length(setintersection(var.interface_endpoints, ["ecr.api", "ecr.dkr"])) != 1
    error_message = "interface_endpoints must have both ecr.api and ecr.dkr or none: an image is looked up by one and fetched by the other."
  }

  validation {
    condition     = !contains(var.interface_endpoints, "ecr.dkr") || contains(var.gateway_endpoints, "s3")
    error_message = "gateway_endpoints must have s3 beside ecr.dkr: the layers of an image come from S3."
  }
}

variable "gateway_endpoints" {
  description = "The endpoints that cost nothing: s3, dynamodb."
  type        = set(string)
  default     = ["s3"]

  validation {
    condition     = length(setsubtract(var.gateway_endpoints, ["s3", "dynamodb"])) == 0
    error_message = "gateway_endpoints must be of s3 and dynamodb."
  }
}

variable "flow_log_days" {
  description = "Days to keep the flow logs."
  type        = number
  default     = 30

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.flow_log_days)
    error_message = "flow_log_days must be a retention CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a number of whole years up to 3653."
  }
}
