variable "name" {
  description = "Prefix of roles and policies: <workload>-<environment>-<part>. They are called <name>-plan, <name>-apply and <name>-boundary."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{0,54}$", var.name))
    error_message = "At most 55 letters, digits and hyphens, beginning with a letter: with -boundary a role's name has at most 64."
  }
}

variable "account_id" {
  description = "AWS account that is deployed to."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "An AWS account id has twelve digits, leading zeros included."
  }
}

variable "region" {
  description = "Region that is deployed to. The roles can use it and us-east-1, where AWS keeps its global services."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]$", var.region))
    error_message = "A region reads like eu-central-1 or us-gov-west-1."
  }
}

variable "repository" {
  description = "GitHub repository whose workflows may take the roles: owner/name."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+$", var.repository))
    error_message = "A repository reads like owner/name, without a wildcard: owner/name* would also let owner/name-evil in."
  }
}

variable "environment" {
  description = "GitHub environment whose jobs may apply. Its protection rules (approvals, branches) are the gate."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9_-]*$", var.environment))
    error_message = "An environment is named by letters, digits, hyphens and underscores, without a wildcard."
  }
}

variable "role_prefix" {
  description = "Beginning of the names of the roles that the environment makes, <workload>-<environment>-: no other role can be changed or passed on."
  type        = string

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9-]{2,}-$", var.role_prefix))
    error_message = "At least three characters and a closing hyphen, such as shop-prod-."
  }
}

variable "state_bucket_arn" {
  description = "ARN of the bucket of the states."
  type        = string
}

variable "state_key_arn" {
  description = "Key of the states."
  type        = string
}

variable "state_object" {
  description = "Key of the environment's state in the bucket. The lock stands beside it, with .tflock at the end."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9][A-Za-z0-9/_.-]*$", var.state_object))
    error_message = "An object's key such as shop/prod/terraform.tfstate, without a wildcard."
  }
}

variable "owner_id" {
  description = "GitHub's number of the owner, for tokens with immutable subjects (repositories made, renamed or moved since 15 July 2026)."
  type        = string
  default     = null

  validation {
    condition     = var.owner_id == null ? true : can(regex("^[0-9]+$", var.owner_id))
    error_message = "A number: gh api users/<owner> --jq .id"
  }
}

variable "repository_id" {
  description = "GitHub's number of the repository, for tokens with immutable subjects."
  type        = string
  default     = null

  validation {
    condition     = var.repository_id == null ? true : can(regex("^[0-9]+$", var.repository_id))
    error_message = "A number: gh api repos/<owner>/<name> --jq .id"
  }

  validation {
    condition     = (var.repository_id == null) == (var.owner_id == null)
    error_message = "An immutable subject names both: give owner_id and repository_id, or neither."
  }
}

variable "plan_branches" {
  description = "Branches whose workflows may plan without a pull request, for a nightly look for drift."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for branch in var.plan_branches : can(regex("^[A-Za-z0-9][A-Za-z0-9/_.-]*$", branch))])
    error_message = "Branches are named whole, without a wildcard."
  }
}

variable "own_provider" {
  description = "Make the account's identity provider for GitHub. An account can have only one: a second environment is given its provider_arn."
  type        = bool
  default     = true
}

variable "provider_arn" {
  description = "The account's identity provider for GitHub, when there is one already."
  type        = string
  default     = null

  validation {
    condition     = var.own_provider == (var.provider_arn == null)
    error_message = "Either own_provider = true, or the provider_arn of the one that exists."
  }
}

variable "services" {
  description = "Prefixes of the AWS services that the environment is made of. The apply role can use no other."
  type        = list(string)
  default = [
    "acm", "application-autoscaling", "autoscaling", "backup", "backup-storage", "budgets", "chatbot", "cloudfront",
    "cloudwatch", "dynamodb", "ec2", "ecr", "ecs", "elasticache", "elasticfilesystem", "elasticloadbalancing",
    "events", "kms", "lambda", "logs", "rds", "route53", "s3", "scheduler", "secretsmanager", "servicediscovery", "sns", "sqs",
    "ssm", "states", "wafv2",
  ]

  validation {
    condition     = alltrue([for service in var.services : can(regex("^[a-z0-9-]+$", service)) && !contains(["iam", "sts", "organizations", "account"], service)])
    error_message = "Service prefixes without a wildcard; iam, sts, organizations and account are not given whole."
  }
}

variable "further_services" {
  description = "Prefixes of services that this environment needs beyond those: mq and cloudformation for a RabbitMQ."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for service in var.further_services : can(regex("^[a-z0-9-]+$", service)) && !contains(["iam", "sts", "organizations", "account"], service)])
    error_message = "Service prefixes without a wildcard; iam, sts, organizations and account are not given whole."
  }
}

variable "passed_to" {
  description = "Services that may be given a role of the environment."
  type        = list(string)
  default = [
    "backup.amazonaws.com", "chatbot.amazonaws.com", "ec2.amazonaws.com", "ecs-tasks.amazonaws.com", "ecs.amazonaws.com",
    "events.amazonaws.com", "lambda.amazonaws.com", "monitoring.rds.amazonaws.com", "scheduler.amazonaws.com", "states.amazonaws.com",
    "vpc-flow-logs.amazonaws.com",
  ]

  validation {
    condition     = alltrue([for service in var.passed_to : can(regex("^[a-z0-9.-]+\\.amazonaws\\.com$", service))])
    error_message = "Services are named like ecs-tasks.amazonaws.com, without a wildcard."
  }
}

variable "require_boundary" {
  description = "Let the apply role make only roles that carry the boundary, which the environment's modules must then be given."
  type        = bool
  default     = false
}
