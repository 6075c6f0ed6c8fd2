variable "name" {
  description = "Identifier of the replication group: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(-[a-z0-9]+)*$", var.name)) && length(var.name) <= 32
    error_message = "At most 32 lower-case letters, digits and single hyphens, beginning with a letter."
  }
}

variable "vpc_id" {
  description = "VPC of the security group."
  type        = string
}

variable "subnet_ids" {
  description = "Isolated subnets, at least two in different zones."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "A replica stands in another zone: give subnets in two zones or more."
  }
}

variable "key_arn" {
  description = "Key for what the nodes write to disk and for snapshots."
  type        = string
}

variable "log_key_arn" {
  description = "Key for the log groups of slow commands and of the engine."
  type        = string
}

variable "node_type" {
  description = "Type of each node; t4g and m7g are ARM."
  type        = string
  default     = "cache.t4g.micro"

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.node_type))
    error_message = "A node type reads like cache.t4g.micro."
  }
}

variable "nodes" {
  description = "1: a single node, whose failure empties the cache. From 2: a primary and replicas in other zones, with failover."
  type        = number
  default     = 1

  validation {
    condition     = var.nodes >= 1 && var.nodes <= 6 && var.nodes == floor(var.nodes)
    error_message = "1 to 6 nodes: a primary and up to five replicas."
  }
}

variable "eviction" {
  description = "What goes when memory is full. noeviction: nothing goes and writes fail, for queues and sessions that must not vanish."
  type        = string
  default     = "allkeys-lru"

  validation {
    condition     = contains(["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl", "noeviction"], var.eviction)
    error_message = "One of allkeys-lru, allkeys-lfu, allkeys-random, volatile-lru, volatile-lfu, volatile-random, volatile-ttl, noeviction."
  }
}

variable "engine_version" {
  description = "Version of Valkey the group starts with; AWS then applies minor versions by itself, which Terraform leaves alone."
  type        = string
  default     = "8.0"

  validation {
    condition     = can(regex("^(7\\.2|8\\.[0-9])$", var.engine_version))
    error_message = "A version of Valkey: 7.2, or 8.0 and later 8.x."
  }
}

variable "snapshot_days" {
  description = "Days for which daily snapshots are kept; 0: none, for a cache that refills itself."
  type        = number
  default     = 1

  validation {
    condition     = var.snapshot_days >= 0 && var.snapshot_days <= 35
    error_message = "Snapshots are kept for 0 to 35 days."
  }
}

variable "access_string" {
  description = "What applications may do: everything but the commands that administer the server or empty it."
  type        = string
  default     = "on ~* &* +@all -@admin -@dangerous +info"

  validation {
    condition     = startswith(var.access_string, "on ")
    error_message = "An access string that lets anybody in begins with on."
  }
}

variable "log_days" {
  description = "Days for which the logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "CloudWatch Logs keeps 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or more days (see its list)."
  }
}

variable "apply_immediately" {
  description = "Apply changes at once instead of in the maintenance window."
  type        = bool
  default     = false
}
