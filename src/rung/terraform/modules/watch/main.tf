# What is watched in one environment, and who is told: topics, alarms, objectives, one page of graphs, and a budget.

module "topics" {
  source = "../notification"

  name       = "${var.name}-${var.parts.topics}"
  account_id = var.account_id
  key_arn    = var.key_arn
  own_key    = var.own_key
  emails     = var.emails
  phones     = var.phones
  slack      = var.slack
}

module "alarms" {
  source = "../alarms"

  name         = var.name
  runbooks_url = var.runbooks_url
  alarms       = var.alarms
  kinds        = var.kinds
  topic_arns   = { page = module.topics.topic_arn, ticket = module.topics.ticket_topic_arn }
}

module "objective" {
  source   = "../objective"
  for_each = var.availability

  name                 = "${var.name}-${each.key}"
  availability         = each.value.share
  load_balancer_suffix = each.value.load_balancer_suffix
  topic_arn            = module.topics.topic_arn
  ticket_topic_arn     = module.topics.ticket_topic_arn
  runbook_url          = "${var.runbooks_url}/error-budget-burning.md"
}

module "dashboard" {
  source = "../dashboard"

  name       = "${var.name}-${var.parts.dashboard}"
  region     = var.region
  groups     = module.alarms.graphs
  alarm_arns = module.alarms.arns
}

module "budget" {
  source = "../budget"
  count  = var.monthly_usd == null ? 0 : 1

  name        = "${var.name}-${var.parts.budget}"
  monthly_usd = var.monthly_usd
  topic_arn   = module.topics.ticket_topic_arn
  cost_tags   = var.cost_tags
}
