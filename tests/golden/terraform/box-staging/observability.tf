# alarms: where every alarm goes
module "alarms" {
  source     = "../modules/notification"
  name       = "shop-staging-alarms"
  account_id = local.account_id
  key_arn    = module.keys.log_key_arn
  emails     = ["oncall@example.com"]
}

# overview: the four signals on one page
module "overview" {
  source     = "../modules/dashboard"
  name       = "shop-staging-overview"
  region     = local.region
  groups     = module.watch.graphs
  alarm_arns = module.watch.arns
}

# budget: a quarter of it: a copy
module "budget" {
  source      = "../modules/budget"
  name        = "shop-staging-budget"
  monthly_usd = 500
  topic_arn   = module.alarms.ticket_topic_arn
  cost_tags   = { Workload = "shop", Environment = "staging" }
}

# What is watched, and where it rings
module "watch" {
  source       = "../modules/alarms"
  name         = "shop-staging"
  runbooks_url = var.runbooks_url
  kinds = {
    host-unreachable = { metric = "AWS/EC2 StatusCheckFailed Maximum", missing = "breaching" }
    host-cpu-high    = { metric = "AWS/EC2 CPUUtilization Average", period_seconds = 300, periods_to_alarm = 3, severity = "ticket" }
    host-disk-full   = { metric = "CWAgent disk_used_percent Maximum", period_seconds = 300, missing = "breaching" }
    host-memory-high = { metric = "CWAgent mem_used_percent Average", period_seconds = 300 }
    backup-missing   = { metric = "rung BackupSucceeded Sum", comparison = "<", period_seconds = 86400, periods = 1, periods_to_alarm = 1, missing = "breaching" }
  }
  alarms = {
    box-unreachable    = { kind = "host-unreachable", limit = 0, InstanceId = module.box.instance_id }
    box-cpu-high       = { kind = "host-cpu-high", limit = 80, InstanceId = module.box.instance_id }
    box-disk-full      = { kind = "host-disk-full", limit = 70, InstanceId = module.box.instance_id }
    box-memory-high    = { kind = "host-memory-high", limit = 90, InstanceId = module.box.instance_id }
    box-backup-missing = { kind = "backup-missing", limit = 1, Workload = module.box.name }
  }
  topic_arns = { page = module.alarms.topic_arn, ticket = module.alarms.ticket_topic_arn }
}
