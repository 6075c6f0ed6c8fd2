variable "name" {
  description = "Name of the set of rules, as a tag on each."
  type        = string
}

variable "rules" {
  description = "Who may open connections to whom, by a description such as \"api to db\". From a security group (two rules: out of the one, into the other), from addresses or from a prefix list (one rule)."
  type = map(object({
    to_security_group_id   = string
    port                   = number
    protocol               = optional(string, "tcp")
    from_security_group_id = optional(string)
    from_cidr              = optional(string)
    from_prefix_list_id    = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for key in keys(var.rules) : can(regex("^[a-zA-Z0-9. _:/()#,@=+&;{}!$*\\[\\]-]{1,255}$", key))])
    error_message = "every description must be 1 to 255 letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *."
  }

  validation {
    condition     = alltrue([for r in var.rules : contains(["tcp", "udp"], r.protocol) && r.port >= 1 && r.port <= 65535])
    error_message = "every rule must have one port from 1 to 65535 and the protocol tcp or udp."
  }

  validation {
    condition     = alltrue([for r in var.rules : length([for source in [r.from_cidr, r.from_prefix_list_id] : true if source != null]) <= 1])
    error_message = "every rule must have one source: from_security_group_id, from_cidr or from_prefix_list_id."
  }

  validation {
    condition     = alltrue([for r in var.rules : r.from_cidr == null || can(cidrhost(r.from_cidr, 0))])
    error_message = "from_cidr must be an IPv4 range, such as 0.0.0.0/0."
  }
}

variable "egress" {
  description = "Who may call what outside the VPC, by a description such as \"api to api.stripe.com\": addresses (everywhere unless said) or a prefix list."
  type = map(object({
    security_group_id = string
    port              = number
    protocol          = optional(string, "tcp")
    cidr              = optional(string)
    prefix_list_id    = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for key in keys(var.egress) : can(regex("^[a-zA-Z0-9. _:/()#,@=+&;{}!$*\\[\\]-]{1,255}$", key))])
    error_message = "every description must be 1 to 255 letters, digits, spaces and . _ - : / ( ) # , @ [ ] + = & ; { } ! $ *."
  }

  validation {
    condition     = alltrue([for r in var.egress : contains(["tcp", "udp"], r.protocol) && r.port >= 1 && r.port <= 65535])
    error_message = "every rule must have one port from 1 to 65535 and the protocol tcp or udp."
  }

  validation {
    condition     = alltrue([for r in var.egress : r.cidr == null || can(cidrhost(r.cidr, 0))])
    error_message = "cidr must be an IPv4 range, such as 0.0.0.0/0."
  }
}
