variable "name" {
  description = "Name of the inline policy."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,128}$", var.name))
    error_message = "name must be 1 to 128 letters, digits and + = , . @ _ -."
  }
}

variable "role_name" {
  description = "Role that is allowed what the statements say."
  type        = string
}

variable "statements" {
  description = "What the role may do: actions on resources, under conditions. The sid says which need it comes from."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    conditions = optional(list(object({
      operator = string
      key      = string
      values   = list(string)
    })), [])
  }))

  validation {
    condition     = length(var.statements) > 0
    error_message = "statements must have one at least: a role that needs nothing needs no policy."
  }

  validation {
    condition     = alltrue([for s in var.statements : can(regex("^[A-Za-z0-9]+$", s.sid))]) && length(distinct(var.statements[*].sid)) == length(var.statements)
    error_message = "every sid must be letters and digits, and no two may be equal."
  }

  validation {
    condition     = alltrue(flatten([for s in var.statements : [for a in s.actions : can(regex("^[a-z0-9-]+:[A-Za-z][A-Za-z0-9]+$", a))]]))
    error_message = "every action must be one action in full, such as s3:GetObject: no wildcards."
  }

  validation {
    condition     = alltrue([for s in var.statements : length(s.actions) > 0 && length(s.resources) > 0])
    error_message = "every statement must have one action and one resource at least."
  }
}
