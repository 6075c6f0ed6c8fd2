# Whoever is told, told from us-east-1 too: there the check is, and its alarm
module "uptime_alarms" {
  source     = "../modules/notification"
  providers  = { aws = aws.us_east_1 }
  name       = "shop-prod-uptime-alarms"
  account_id = local.account_id
  own_key    = true
  emails     = ["oncall@example.com"]
}

# uptime: asks from outside of AWS
module "uptime" {
  source      = "../modules/uptime_check"
  providers   = { aws = aws.us_east_1 }
  name        = "shop-prod-uptime"
  domain      = "shop.example.com"
  topic_arn   = module.uptime_alarms.topic_arn
  runbook_url = "${var.runbooks_url}/site-unreachable.md"
}

# alarms: where every alarm goes
module "alarms" {
  source     = "../modules/notification"
  name       = "shop-prod-alarms"
  account_id = local.account_id
  key_arn    = module.keys.log_key_arn
  emails     = ["oncall@example.com"]
}

# availability: rings when the month's errors are spent too fast
module "availability" {
  source               = "../modules/objective"
  name                 = "shop-prod-availability"
  availability         = 0.9995
  load_balancer_suffix = module.load_balancer.arn_suffix
  topic_arn            = module.alarms.topic_arn
  runbook_url          = "${var.runbooks_url}/error-budget-burning.md"
  ticket_topic_arn     = module.alarms.ticket_topic_arn
}

# overview: the four signals on one page
module "overview" {
  source     = "../modules/dashboard"
  name       = "shop-prod-overview"
  region     = local.region
  groups     = module.watch.graphs
  alarm_arns = module.watch.arns
}

# budget: the whole budget
module "budget" {
  source      = "../modules/budget"
  name        = "shop-prod-budget"
  monthly_usd = 2000
  topic_arn   = module.alarms.ticket_topic_arn
  cost_tags   = { Workload = "shop", Environment = "prod" }
}

# What is watched, and where it rings
module "watch" {
  source       = "../modules/alarms"
  name         = "shop-prod"
  runbooks_url = var.runbooks_url
  kinds = {
    host-unreachable          = { metric = "AWS/EC2 StatusCheckFailed Maximum", missing = "breaching" }
    host-cpu-high             = { metric = "AWS/EC2 CPUUtilization Average", period_seconds = 300, periods_to_alarm = 3, severity = "ticket" }
    host-disk-full            = { metric = "CWAgent disk_used_percent Maximum", period_seconds = 300, missing = "breaching" }
    host-memory-high          = { metric = "CWAgent mem_used_percent Average", period_seconds = 300 }
    database-cpu-high         = { metric = "AWS/RDS CPUUtilization Average", periods = 5, periods_to_alarm = 5 }
    database-storage-low      = { metric = "AWS/RDS FreeStorageSpace Minimum", comparison = "<", periods = 1, periods_to_alarm = 1 }
    database-slow             = { metric = "AWS/RDS WriteLatency p90", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    database-connections-high = { metric = "AWS/RDS DatabaseConnections Maximum", periods = 5, periods_to_alarm = 5 }
    database-transaction-ids  = { metric = "AWS/RDS MaximumUsedTransactionIDs Maximum", periods = 1, periods_to_alarm = 1, severity = "ticket" }
    cache-cpu-high            = { metric = "AWS/ElastiCache EngineCPUUtilization Average", periods = 5, periods_to_alarm = 5 }
    cache-memory-high         = { metric = "AWS/ElastiCache DatabaseMemoryUsagePercentage Average", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    messages-waiting          = { metric = "AWS/SQS ApproximateAgeOfOldestMessage Maximum" }
    dead-letters              = { metric = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum", periods = 1, periods_to_alarm = 1, severity = "ticket" }
    schedule-failing          = { metric = "AWS/Scheduler TargetErrorCount Sum", severity = "ticket" }
    schedule-silent           = { metric = "AWS/Scheduler InvocationAttemptCount Sum", comparison = "<", period_seconds = 180, periods = 1, periods_to_alarm = 1, missing = "breaching", severity = "ticket" }
    certificate-expiring      = { metric = "AWS/CertificateManager DaysToExpiry Minimum", comparison = "<", period_seconds = 86400, periods = 1, periods_to_alarm = 1, severity = "ticket" }
    load-balancer-errors      = { metrics = { requests = "AWS/ApplicationELB RequestCount Sum", errors = "AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum" }, expression = "IF(requests>0, 100*errors/requests, 0)" }
    service-errors            = { metrics = { requests = "AWS/ApplicationELB RequestCount Sum", errors = "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum" }, expression = "IF(requests>0, 100*errors/requests, 0)" }
    service-slow              = { metric = "AWS/ApplicationELB TargetResponseTime p99", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    no-healthy-targets        = { metric = "AWS/ApplicationELB HealthyHostCount Minimum", comparison = "<", missing = "breaching" }
  }
  alarms = {
    hosts-unreachable                    = { kind = "host-unreachable", limit = 0, AutoScalingGroupName = module.hosts.group_name }
    hosts-cpu-high                       = { kind = "host-cpu-high", limit = 80, AutoScalingGroupName = module.hosts.group_name }
    hosts-disk-full                      = { kind = "host-disk-full", limit = 70, AutoScalingGroupName = module.hosts.group_name }
    hosts-memory-high                    = { kind = "host-memory-high", limit = 90, AutoScalingGroupName = module.hosts.group_name }
    db-cpu-high                          = { kind = "database-cpu-high", limit = 90, DBInstanceIdentifier = module.db.identifier }
    db-storage-low                       = { kind = "database-storage-low", limit = 2147483648, DBInstanceIdentifier = module.db.identifier }
    db-slow-writes                       = { kind = "database-slow", limit = 0.02, DBInstanceIdentifier = module.db.identifier }
    db-connections-high                  = { kind = "database-connections-high", limit = 360, DBInstanceIdentifier = module.db.identifier }
    db-transaction-ids                   = { kind = "database-transaction-ids", limit = 1000000000, DBInstanceIdentifier = module.db.identifier }
    cache-cpu-high-1                     = { kind = "cache-cpu-high", limit = 90, CacheClusterId = "${module.cache.replication_group_id}-001" }
    cache-memory-high-1                  = { kind = "cache-memory-high", limit = 90, CacheClusterId = "${module.cache.replication_group_id}-001" }
    cache-cpu-high-2                     = { kind = "cache-cpu-high", limit = 90, CacheClusterId = "${module.cache.replication_group_id}-002" }
    cache-memory-high-2                  = { kind = "cache-memory-high", limit = 90, CacheClusterId = "${module.cache.replication_group_id}-002" }
    orders-payment-waiting               = { kind = "messages-waiting", limit = 60, QueueName = module.orders.names["payment"] }
    orders-payment-dead-letters          = { kind = "dead-letters", limit = 0, QueueName = module.orders.dead_letter_names["payment"] }
    orders-fulfilment-waiting            = { kind = "messages-waiting", limit = 60, QueueName = module.orders.names["fulfilment"] }
    orders-fulfilment-dead-letters       = { kind = "dead-letters", limit = 0, QueueName = module.orders.dead_letter_names["fulfilment"] }
    orders-analytics-waiting             = { kind = "messages-waiting", limit = 60, QueueName = module.orders.names["analytics"] }
    orders-analytics-dead-letters        = { kind = "dead-letters", limit = 0, QueueName = module.orders.dead_letter_names["analytics"] }
    expire-carts-schedule-failing        = { kind = "schedule-failing", limit = 0, ScheduleGroup = module.expire_carts_schedule.group_name }
    expire-carts-schedule-silent         = { kind = "schedule-silent", limit = 1, ScheduleGroup = module.expire_carts_schedule.group_name }
    expire-reservations-schedule-failing = { kind = "schedule-failing", limit = 0, ScheduleGroup = module.expire_reservations_schedule.group_name }
    expire-reservations-schedule-silent  = { kind = "schedule-silent", limit = 1, ScheduleGroup = module.expire_reservations_schedule.group_name }
    certificate-expiring                 = { kind = "certificate-expiring", limit = 30, CertificateArn = module.certificate.arn }
    load-balancer-errors                 = { kind = "load-balancer-errors", limit = 5, LoadBalancer = module.load_balancer.arn_suffix }
    hosts-errors                         = { kind = "service-errors", limit = 5, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["hosts"] }
    hosts-slow                           = { kind = "service-slow", limit = 0.1, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["hosts"] }
    hosts-unhealthy                      = { kind = "no-healthy-targets", limit = 1, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["hosts"] }
  }
  topic_arns = { page = module.alarms.topic_arn, ticket = module.alarms.ticket_topic_arn }
}
