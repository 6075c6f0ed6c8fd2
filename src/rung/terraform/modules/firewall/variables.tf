variable "name" {
  description = "Name of the web ACL."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,100}$", var.name))
    error_message = "name must be 1 to 100 letters, digits, hyphens and underscores."
  }
}

variable "scope" {
  description = "What it guards: CLOUDFRONT (the provider must be that of us-east-1) or REGIONAL (load balancers of the provider's region)."
  type        = string
  default     = "CLOUDFRONT"

  validation {
    condition     = contains(["CLOUDFRONT", "REGIONAL"], var.scope)
    error_message = "scope must be CLOUDFRONT or REGIONAL."
  }
}

variable "log_key_arn" {
  description = "KMS key that encrypts the log, in the region of the log: us-east-1 for CLOUDFRONT. Null: the key CloudWatch Logs has."
  type        = string
  default     = null

  validation {
    condition     = var.log_key_arn == null || var.scope != "CLOUDFRONT" || can(regex("^arn:[a-z-]+:kms:us-east-1:", var.log_key_arn))
    error_message = "log_key_arn must be a key of us-east-1 for scope CLOUDFRONT: the log is there, and keys do not leave their region."
  }
}

variable "managed_groups" {
  description = "Rule groups that AWS maintains, in the order they are asked."
  type        = list(string)
  default     = ["AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet", "AWSManagedRulesAmazonIpReputationList"]

  validation {
    condition     = alltrue([for group in var.managed_groups : startswith(group, "AWSManagedRules")])
    error_message = "every group must be one of AWS, such as AWSManagedRulesCommonRuleSet."
  }

  validation {
    condition     = length(distinct(var.managed_groups)) == length(var.managed_groups)
    error_message = "managed_groups must name each group once."
  }
}

variable "counted_rules" {
  description = "Rules of managed groups that only count, by group. The limit on bodies (8 KB) would refuse uploads; a new group is best counted for a week."
  type        = map(list(string))
  default = {
    AWSManagedRulesCommonRuleSet = ["SizeRestrictions_BODY"]
  }
}

variable "requests_per_five_minutes" {
  description = "Requests one address may send in five minutes; beyond it the answer is 429. Offices and mobile networks share addresses."
  type        = number
  default     = 2000

  validation {
    condition     = var.requests_per_five_minutes >= 10 && var.requests_per_five_minutes <= 2000000000
    error_message = "requests_per_five_minutes must be 10 to 2000000000."
  }
}

variable "blocked_countries" {
  description = "Countries whose visitors are refused, by ISO 3166 code."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for country in var.blocked_countries : can(regex("^[A-Z]{2}$", country))])
    error_message = "every country must be two capital letters, such as KP."
  }
}

variable "log_days" {
  description = "Days to keep the log of what was blocked or counted."
  type        = number
  default     = 90

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_days)
    error_message = "log_days must be a retention CloudWatch Logs has: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731 or a number of whole years up to 3653."
  }
}

variable "guarded" {
  description = "Load balancers to guard, by name: scope REGIONAL only. A distribution names its web ACL itself."
  type        = map(string)
  default     = {}

  validation {
    condition     = length(var.guarded) == 0 || var.scope == "REGIONAL"
    error_message = "guarded must be empty for scope CLOUDFRONT: give the ARN of the web ACL to the distribution."
  }
}
