variable "name" {
  description = "What the name of every secret begins with: <workload>-<environment>, or the database whose logins they are."
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

variable "secrets" {
  description = "Secrets by name. username: a password is generated once and stands beside it in JSON; generated: a random value is; otherwise a person sets the value, and is reminded every rotate_days to set a new one."
  type = map(object({
    username    = optional(string)
    generated   = optional(bool, false)
    rotate_days = optional(number)
  }))

  validation {
    condition     = alltrue([for secret in var.secrets : secret.rotate_days == null || (secret.username == null && !secret.generated)])
    error_message = "rotate_days reminds a person: what is generated is not set by one."
  }
}

variable "topic_arn" {
  description = "Topic that the reminders go to."
  type        = string
  default     = null
}

variable "topic_key_arn" {
  description = "Key of an encrypted topic_arn: the reminders are written with it."
  type        = string
  default     = null
}
