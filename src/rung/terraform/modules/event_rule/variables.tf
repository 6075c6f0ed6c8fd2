variable "name" {
  description = "Name of the rule: <workload>-<environment>-<part>. Its dead-letter queue is called <name>-dlq."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,60}$", var.name))
    error_message = "1 to 60 letters, digits, hyphens and underscores."
  }
}

variable "bus_name" {
  description = "Bus whose events are looked at; default is the account's own."
  type        = string
}

variable "pattern" {
  description = "Which events match, as JSON: {\"source\":[\"shop\"],\"detail-type\":[\"order.placed\"]}."
  type        = string

  validation {
    condition     = try(length(keys(jsondecode(var.pattern))) >= 1, false)
    error_message = "A JSON object with at least one field: an empty pattern matches nothing."
  }
}

variable "target_arn" {
  description = "Where matching events go. A queue lets the rule in by its senders, a topic by its policy."
  type        = string
}

variable "role_arn" {
  description = "Role that EventBridge takes for targets without a policy of their own (another bus, a state machine, an ECS task); null: none."
  type        = string
  default     = null
}

variable "key_arn" {
  description = "Key of the dead-letter queue, whose policy names events.amazonaws.com; null: keys that SQS manages."
  type        = string
  default     = null
}

variable "max_attempts" {
  description = "How often a failed delivery is tried again, with growing pauses."
  type        = number
  default     = 185

  validation {
    condition     = var.max_attempts >= 0 && var.max_attempts <= 185
    error_message = "EventBridge tries 0 to 185 times more."
  }
}

variable "max_age_seconds" {
  description = "How long a failed delivery is tried again."
  type        = number
  default     = 86400

  validation {
    condition     = var.max_age_seconds >= 60 && var.max_age_seconds <= 86400
    error_message = "60 to 86400 seconds (24 hours)."
  }
}

variable "dead_letter_arn" {
  description = "Queue for events that could not be delivered, whose policy lets this rule in, when the rule has none of its own."
  type        = string
  default     = null

  validation {
    condition     = var.own_dead_letters == (var.dead_letter_arn == null)
    error_message = "Either a dead_letter_arn with own_dead_letters = false, or neither: events must not get lost."
  }
}

variable "own_dead_letters" {
  description = "Give the rule a dead-letter queue of its own."
  type        = bool
  default     = true
}

variable "input" {
  description = "JSON that the target gets instead of the event, whatever that says; null: the event."
  type        = string
  default     = null

  validation {
    condition     = var.input == null ? true : can(jsondecode(var.input))
    error_message = "JSON, such as {\"rebuild\":true}."
  }
}

variable "input_path" {
  description = "Path of the part of the event that the target gets, such as $.detail; null: all of it."
  type        = string
  default     = null

  validation {
    condition     = var.input_path == null ? true : startswith(var.input_path, "$")
    error_message = "A JSON path from the whole event, such as $.detail."
  }
}

variable "input_template" {
  description = "What the target gets instead of the event, with <name> for the values of input_paths; null: the event."
  type        = string
  default     = null

  validation {
    condition     = length([for given in [var.input, var.input_path, var.input_template] : given if given != null]) <= 1
    error_message = "One of input, input_path and input_template."
  }
}

variable "input_paths" {
  description = "Paths into the event by the names that input_template uses: { order = \"$.detail.order\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.input_paths) <= 100 && alltrue([for name in keys(var.input_paths) : can(regex("^[A-Za-z0-9_-]{1,256}$", name))])
    error_message = "At most 100 names of letters, digits, hyphens and underscores."
  }
}
