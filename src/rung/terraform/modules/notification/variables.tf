variable "name" {
  description = "Prefix of the topics: <workload>-<environment>-<part>. They are called <name>-page and <name>-ticket."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z0-9_-]{1,48}$", var.name))
    error_message = "1 to 48 letters, digits, hyphens and underscores."
  }
}

variable "account_id" {
  description = "AWS account whose alarms, rules and budgets may publish; nobody else's may."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "key_arn" {
  description = "Key of the topics, whose policy lets CloudWatch, EventBridge and Budgets in (log_key_arn of the module keys); null: with own_key."
  type        = string
  default     = null

  validation {
    condition     = var.own_key == (var.key_arn == null)
    error_message = "Either a key_arn or own_key = true: CloudWatch cannot publish to a topic without a key that names it."
  }
}

variable "own_key" {
  description = "Make a key here: for a second region, where the environment has no keys."
  type        = bool
  default     = false
}

variable "emails" {
  description = "Addresses that get pages and tickets. Each must be confirmed by its owner. PagerDuty's and Pushover's mail gateways are such addresses too."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.emails : can(regex("^[^@\\s]+@[^@\\s]+\\.[^@\\s]+$", address))])
    error_message = "An address reads like oncall@example.com."
  }
}

variable "phones" {
  description = "Telephone numbers that get pages by SMS, in international form."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for number in var.phones : can(regex("^\\+[0-9]{6,15}$", number))])
    error_message = "A number reads like +4915112345678."
  }
}

variable "slack" {
  description = "Slack channels that get pages and tickets, name to ids. The workspace must have been connected to the account once, by hand."
  type = map(object({
    team_id    = string
    channel_id = string
  }))
  default = {}

  validation {
    condition     = alltrue([for channel in values(var.slack) : can(regex("^T[A-Z0-9]+$", channel.team_id)) && can(regex("^[CG][A-Z0-9]+$", channel.channel_id))])
    error_message = "Slack's ids: T… for the workspace, C… or G… for the channel (in the channel's details)."
  }
}

variable "webhooks" {
  description = "HTTPS endpoints that get pages and confirm SNS subscriptions, such as PagerDuty's. Whoever knows the address can page: SNS keeps it as the endpoint, so it is in the state. README: how to keep it out."
  type        = list(string)
  default     = []
  sensitive   = true

  validation {
    condition     = alltrue([for address in var.webhooks : startswith(address, "https://")])
    error_message = "A webhook is an https:// address."
  }
}
