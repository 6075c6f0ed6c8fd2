variable "name" {
  description = "Name of the secret: <workload>-<environment>-<part>."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9/_+=.@-]{1,500}$", var.name))
    error_message = "1 to 500 letters, digits and the characters / _ + = . @ -."
  }

  validation {
    # Secrets Manager adds a hyphen and six characters, and takes such a name for a complete ARN's end.
    condition     = !can(regex("-[a-zA-Z0-9]{6}$", var.name))
    error_message = "The name must not end in a hyphen and six letters or digits: Secrets Manager would mistake it for a complete ARN's end."
  }
}

variable "key_arn" {
  description = "Key for the value. Readers need kms:Decrypt on it."
  type        = string
}

variable "description" {
  description = "What the secret is for, for the person who sets it."
  type        = string
  default     = "Read at run time; its value is in no Terraform state"
}

variable "generated" {
  description = "Write a random value at apply, which Terraform neither shows nor stores. Otherwise a person sets the value."
  type        = bool
  default     = false
}

variable "generated_username" {
  description = "User name beside the generated password: the value is then JSON with username and password. null: the value is the random text alone."
  type        = string
  default     = null

  validation {
    condition     = var.generated_username == null || var.generated
    error_message = "A user name stands beside a generated password: set generated = true."
  }

  validation {
    condition     = var.generated_username == null ? true : can(regex("^[a-z_][a-z0-9_]{0,62}$", var.generated_username))
    error_message = "A role's name has at most 63 lower-case letters, digits and underscores and does not begin with a digit."
  }
}

variable "generation" {
  description = "Raise it by one to have a new random value written: the old one stays readable as AWSPREVIOUS."
  type        = number
  default     = 1

  validation {
    condition     = var.generation >= 1 && var.generation == floor(var.generation)
    error_message = "Generations are counted from 1."
  }
}

variable "length" {
  description = "Characters of a generated value: letters and digits, which need no escaping in a URL."
  type        = number
  default     = 48

  validation {
    condition     = var.length >= 32 && var.length <= 128
    error_message = "A generated value has 32 to 128 characters."
  }
}

variable "rotation" {
  description = "Who replaces the value: nobody, function (rotation_lambda_arn, every rotate_days) or person (reminded through topic_arn, every rotate_days)."
  type        = string
  default     = "nobody"

  validation {
    condition     = contains(["nobody", "function", "person"], var.rotation)
    error_message = "nobody, function or person."
  }
}

variable "rotate_days" {
  description = "Days after which the value is replaced."
  type        = number
  default     = null

  validation {
    condition     = var.rotate_days == null ? true : var.rotate_days >= 1 && var.rotate_days <= 1000
    error_message = "A value is replaced after 1 to 1000 days."
  }

  validation {
    condition     = (var.rotate_days == null) == (var.rotation == "nobody")
    error_message = "A rotation by a function or a person has rotate_days, no rotation has none."
  }
}

variable "rotation_lambda_arn" {
  description = "Function that rotates the value by Secrets Manager's four steps."
  type        = string
  default     = null

  validation {
    condition     = (var.rotation_lambda_arn != null) == (var.rotation == "function")
    error_message = "A function belongs to rotation = \"function\", and that needs one."
  }
}

variable "topic_arn" {
  description = "Topic that a person's reminder goes to."
  type        = string
  default     = null

  validation {
    condition     = (var.topic_arn != null) == (var.rotation == "person")
    error_message = "A topic belongs to rotation = \"person\", and that needs one."
  }
}

variable "topic_key_arn" {
  description = "Key of an encrypted topic_arn: the reminder is written with it."
  type        = string
  default     = null
}

variable "recovery_days" {
  description = "Days for which a deleted secret can be brought back. 0: at once gone, and its name free again."
  type        = number
  default     = 30

  validation {
    condition     = var.recovery_days == 0 || var.recovery_days >= 7 && var.recovery_days <= 30
    error_message = "Secrets Manager keeps deleted secrets for 7 to 30 days, or 0."
  }
}
