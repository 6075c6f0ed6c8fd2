variable "name" {
  description = "What everything here is called after: <workload>-<environment>."
  type        = string
}

variable "account_id" {
  description = "AWS account whose alarms, rules and budgets may publish; nobody else's may."
  type        = string
}

variable "region" {
  description = "Region of the metrics."
  type        = string
}

variable "key_arn" {
  description = "Key of the topics, whose policy lets CloudWatch, EventBridge and Budgets in (log_key_arn of the module keys); null: with own_key."
  type        = string
  default     = null
}

variable "own_key" {
  description = "Make a key here, where the environment has none. Not told by key_arn: a first plan does not know whether that is null."
  type        = bool
  default     = false
}

variable "emails" {
  description = "Addresses that get pages and tickets. Each must be confirmed by its owner."
  type        = list(string)
  default     = []
}

variable "phones" {
  description = "Telephone numbers that get pages by SMS, in international form."
  type        = list(string)
  default     = []
}

variable "slack" {
  description = "Slack channels that get pages and tickets, name to ids."
  type = map(object({
    team_id    = string
    channel_id = string
  }))
  default = {}
}

variable "runbooks_url" {
  description = "Folder of the runbooks; an alarm's is <kind>.md in it."
  type        = string
}

variable "monthly_usd" {
  description = "What a month may cost, in US dollars; null: nobody is told."
  type        = number
  default     = null
}

variable "cost_tags" {
  description = "Cost-allocation tags that select what the month's cost counts."
  type        = map(string)
  default     = {}
}

variable "availability" {
  description = "Objectives by name: the share of the requests of 30 days that must not fail, and the load balancer whose requests are counted."
  type = map(object({
    share                = number
    load_balancer_suffix = string
  }))
  default = {}
}

variable "alarms" {
  description = "What is watched: of, the names that dimensions of metrics take; limits, by kind. The kinds are those of the module alarms."
  type = map(object({
    of     = map(string)
    limits = map(number)
  }))
}

variable "kinds" {
  description = "Further kinds of alarms, or others in place of those of the module alarms."
  type = map(object({
    name             = string
    dimensions       = map(string)
    runbook          = optional(string)
    metric           = optional(string)
    metrics          = optional(map(string), {})
    expression       = optional(string)
    comparison       = optional(string, ">")
    period_seconds   = optional(number, 60)
    periods          = optional(number, 3)
    periods_to_alarm = optional(number, 2)
    missing          = optional(string, "notBreaching")
    severity         = optional(string, "page")
  }))
  default = {}
}

variable "parts" {
  description = "What topics, dashboard and budget are called, after the name."
  type = object({
    topics    = optional(string, "alarms")
    dashboard = optional(string, "overview")
    budget    = optional(string, "budget")
  })
  default = {}
}
