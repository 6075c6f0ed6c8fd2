variable "name" {
  description = "Whose rules they are, <workload>-<environment>: part of every rule's name, and what the names of parties begin with."
  type        = string
}

variable "allowed" {
  description = "Who may open TCP connections to whom, and to which ports: api = { db = [5432] }. Both are names of parties or keys of groups, prefix_lists or addresses, or cloudfront (where its requests come from), and one of them has a security group. What is not here is refused."
  type        = map(map(list(number)))

  validation {
    condition     = alltrue(flatten([for from, ports in var.allowed : [for to in keys(ports) : contains(local.known, from) || contains(local.known, to)]]))
    error_message = "One side of every pair must be one of parties or groups: a rule belongs to a security group."
  }

  validation {
    condition     = alltrue([for name in concat(keys(var.allowed), flatten([for ports in var.allowed : keys(ports)])) : contains(concat(["cloudfront"], local.known, keys(var.prefix_lists), keys(var.addresses)), name)])
    error_message = "Both sides of every pair must be names of parties, keys of groups, prefix_lists or addresses, or cloudfront."
  }

  validation {
    condition     = alltrue(flatten([for targets in var.allowed : [for ports in targets : [for port in ports : port >= 1 && port <= 65535 && floor(port) == port]]]))
    error_message = "Every port must be a whole number from 1 to 65535."
  }
}

variable "parties" {
  description = "Who has a security group: the output party of a module. Each is called by its name without the name of this module and a hyphen: shop-prod-api is api."
  type = list(object({
    name              = string
    security_group_id = string
  }))
  default = []
}

variable "groups" {
  description = "Other security groups, by the name that allowed uses."
  type        = map(string)
  default     = {}
}

variable "prefix_lists" {
  description = "Prefix lists by name: the gateway endpoints of S3 and DynamoDB."
  type        = map(string)
  default     = {}
}

variable "addresses" {
  description = "Addresses (CIDR) by name. internet is every address; a host outside is one too, because security groups know no names."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for cidr in values(var.addresses) : can(cidrhost(cidr, 0))])
    error_message = "Every address must be a CIDR block, such as 0.0.0.0/0."
  }
}
