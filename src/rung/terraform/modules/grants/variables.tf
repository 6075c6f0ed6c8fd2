variable "name" {
  description = "What the names of parties, rules and policies begin with: <workload>-<environment>."
  type        = string
}

variable "parties" {
  description = "Who is in the two tables: the output party of modules. Each is called by its name without the name of this module and a hyphen: shop-prod-api is api."
  type = list(object({
    name              = string
    security_group_id = string
    role_name         = optional(string)
  }))
}

variable "allowed" {
  description = "Who may open TCP connections to whom, and to which ports: api = { db = [5432] }. What is not here is refused. See the module reach."
  type        = map(map(list(number)))
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
}

variable "statements" {
  description = "Who may do what, by Sid: role is one of parties, when conditions, key the use of a KMS key by way of a service. See the module access."
  type = map(object({
    role      = string
    actions   = list(string)
    resources = list(string)
    when      = optional(map(map(list(string))), {})
    key = optional(object({
      arn     = string
      actions = list(string)
      through = string
    }))
  }))
  default = {}
}
