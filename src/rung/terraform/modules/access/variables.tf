variable "name" {
  description = "Prefix of the inline policies, <workload>-<environment>: each is called <name>-<role>."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "name must be 1 to 64 letters, digits and + = , . @ _ -."
  }
}

variable "parties" {
  description = "Whose roles they are: the output party of a module. Each is called by its name without the name of this module and a hyphen: shop-prod-api is api."
  type = list(object({
    name      = string
    role_name = optional(string)
  }))
}

variable "statements" {
  description = "What is allowed, by Sid. role: one of parties; when: conditions, operator to key to values; key: what may be done with a KMS key by way of the service through, a statement of its own with the Sid <Sid>Key."
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

  validation {
    condition     = alltrue([for sid in keys(var.statements) : can(regex("^[A-Za-z0-9]+$", sid))])
    error_message = "Every Sid must be letters and digits."
  }

  validation {
    condition     = alltrue([for statement in var.statements : contains(keys(local.roles), statement.role)])
    error_message = "Every role must be one of parties."
  }

  validation {
    condition     = alltrue(flatten([for statement in var.statements : [for action in concat(statement.actions, try(statement.key.actions, [])) : can(regex("^[a-z0-9-]+:[A-Za-z][A-Za-z0-9]+$", action))]]))
    error_message = "Every action must be one action in full, such as s3:GetObject: no wildcards."
  }

  validation {
    condition     = alltrue([for statement in var.statements : length(statement.actions) > 0 && length(statement.resources) > 0])
    error_message = "Every statement must have one action and one resource at least."
  }
}
