variable "name" {
  description = "Whose rules they are; part of every rule's name."
  type        = string
}

variable "allowed" {
  description = "Who may open TCP connections to whom, and to which ports: \"api to db\" = [5432]. Both are keys of groups, prefix_lists or addresses, and one of them of groups. What is not here is refused."
  type        = map(list(number))

  validation {
    condition     = alltrue([for pair in keys(var.allowed) : length(split(" to ", pair)) == 2])
    error_message = "Every key must read like \"api to db\"."
  }

  validation {
    condition     = alltrue([for pair in keys(var.allowed) : length(setintersection(split(" to ", pair), keys(var.groups))) > 0])
    error_message = "One side of every pair must be one of groups: a rule belongs to a security group."
  }

  validation {
    condition     = alltrue([for name in distinct(flatten([for pair in keys(var.allowed) : split(" to ", pair)])) : contains(concat(keys(var.groups), keys(var.prefix_lists), keys(var.addresses)), name)])
    error_message = "Both sides of every pair must be keys of groups, prefix_lists or addresses."
  }

  validation {
    condition     = alltrue(flatten([for ports in values(var.allowed) : [for port in ports : port >= 1 && port <= 65535 && floor(port) == port]]))
    error_message = "Every port must be a whole number from 1 to 65535."
  }
}

variable "groups" {
  description = "Security groups by the name that allowed uses."
  type        = map(string)
}

variable "prefix_lists" {
  description = "Prefix lists by name: the gateway endpoints of S3 and DynamoDB, CloudFront's own addresses."
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
