variable "name" {
  description = "What the name of every login begins with: that of the database, <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_+=.@-]{1,400}$", var.name))
    error_message = "1 to 400 letters, digits and the characters / _ + = . @ -."
  }
}

variable "key_arn" {
  description = "Key for the values. Readers need kms:Decrypt on it."
  type        = string
}

variable "database" {
  description = "The database: its address and the secret of its owner."
  type = object({
    url               = string
    master_secret_arn = string
  })
}

variable "logins" {
  description = "By who has it: username, its role in the database; rows, what it may do with the application's tables (all, write, read or none); queue, whether it reaches those of queues."
  type = map(object({
    username = string
    rows     = string
    queue    = bool
  }))

  validation {
    condition     = alltrue([for login in var.logins : contains(["all", "write", "read", "none"], login.rows)])
    error_message = "rows must be all, write, read or none."
  }
}
