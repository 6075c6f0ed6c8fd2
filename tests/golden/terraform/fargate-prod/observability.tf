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
    database-capacity-high    = { metric = "AWS/RDS ACUUtilization Average", periods = 5, periods_to_alarm = 5 }
    database-connections-high = { metric = "AWS/RDS DatabaseConnections Maximum", periods = 5, periods_to_alarm = 5 }
    database-transaction-ids  = { metric = "AWS/RDS MaximumUsedTransactionIDs Maximum", periods = 1, periods_to_alarm = 1, severity = "ticket" }
    database-replica-behind   = { metric = "AWS/RDS AuroraReplicaLagMaximum Maximum", periods = 10, periods_to_alarm = 10, severity = "ticket" }
    cache-cpu-high            = { metric = "AWS/ElastiCache EngineCPUUtilization Average", periods = 5, periods_to_alarm = 5 }
    cache-memory-high         = { metric = "AWS/ElastiCache DatabaseMemoryUsagePercentage Average", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    messages-waiting          = { metric = "AWS/SQS ApproximateAgeOfOldestMessage Maximum" }
    dead-letters              = { metric = "AWS/SQS ApproximateNumberOfMessagesVisible Maximum", periods = 1, periods_to_alarm = 1, severity = "ticket" }
    task-cpu-high             = { metric = "AWS/ECS CPUUtilization Average", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    task-memory-high          = { metric = "AWS/ECS MemoryUtilization Average", periods = 5, periods_to_alarm = 5 }
    tasks-missing             = { metric = "ECS/ContainerInsights RunningTaskCount Minimum", comparison = "<", periods = 5, periods_to_alarm = 5, missing = "breaching" }
    schedule-failing          = { metric = "AWS/Scheduler TargetErrorCount Sum", severity = "ticket" }
    schedule-silent           = { metric = "AWS/Scheduler InvocationAttemptCount Sum", comparison = "<", period_seconds = 180, periods = 1, periods_to_alarm = 1, missing = "breaching", severity = "ticket" }
    certificate-expiring      = { metric = "AWS/CertificateManager DaysToExpiry Minimum", comparison = "<", period_seconds = 86400, periods = 1, periods_to_alarm = 1, severity = "ticket" }
    load-balancer-errors      = { metrics = { requests = "AWS/ApplicationELB RequestCount Sum", errors = "AWS/ApplicationELB HTTPCode_ELB_5XX_Count Sum" }, expression = "IF(requests>0, 100*errors/requests, 0)" }
    service-errors            = { metrics = { requests = "AWS/ApplicationELB RequestCount Sum", errors = "AWS/ApplicationELB HTTPCode_Target_5XX_Count Sum" }, expression = "IF(requests>0, 100*errors/requests, 0)" }
    service-slow              = { metric = "AWS/ApplicationELB TargetResponseTime p99", periods = 5, periods_to_alarm = 5, severity = "ticket" }
    no-healthy-targets        = { metric = "AWS/ApplicationELB HealthyHostCount Minimum", comparison = "<", missing = "breaching" }
  }
  alarms = {
    db-capacity-high                     = { kind = "database-capacity-high", limit = 90, DBClusterIdentifier = module.db.identifier }
    db-connections-high                  = { kind = "database-connections-high", limit = 360, DBClusterIdentifier = module.db.identifier }
    db-transaction-ids                   = { kind = "database-transaction-ids", limit = 1000000000, DBClusterIdentifier = module.db.identifier }
    db-replica-behind                    = { kind = "database-replica-behind", limit = 60000, DBClusterIdentifier = module.db.identifier }
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
    api-cpu-high                         = { kind = "task-cpu-high", limit = 80, ClusterName = module.api.cluster_name, ServiceName = module.api.service_name }
    api-memory-high                      = { kind = "task-memory-high", limit = 80, ClusterName = module.api.cluster_name, ServiceName = module.api.service_name }
    api-tasks-missing                    = { kind = "tasks-missing", limit = 4, ClusterName = module.api.cluster_name, ServiceName = module.api.service_name }
    fulfil-cpu-high                      = { kind = "task-cpu-high", limit = 80, ClusterName = module.fulfil.cluster_name, ServiceName = module.fulfil.service_name }
    fulfil-memory-high                   = { kind = "task-memory-high", limit = 80, ClusterName = module.fulfil.cluster_name, ServiceName = module.fulfil.service_name }
    fulfil-tasks-missing                 = { kind = "tasks-missing", limit = 1, ClusterName = module.fulfil.cluster_name, ServiceName = module.fulfil.service_name }
    expire-carts-schedule-failing        = { kind = "schedule-failing", limit = 0, ScheduleGroup = module.expire_carts_schedule.group_name }
    expire-carts-schedule-silent         = { kind = "schedule-silent", limit = 1, ScheduleGroup = module.expire_carts_schedule.group_name }
    expire-reservations-schedule-failing = { kind = "schedule-failing", limit = 0, ScheduleGroup = module.expire_reservations_schedule.group_name }
    expire-reservations-schedule-silent  = { kind = "schedule-silent", limit = 1, ScheduleGroup = module.expire_reservations_schedule.group_name }
    certificate-expiring                 = { kind = "certificate-expiring", limit = 30, CertificateArn = module.certificate.arn }
    load-balancer-errors                 = { kind = "load-balancer-errors", limit = 5, LoadBalancer = module.load_balancer.arn_suffix }
    api-errors                           = { kind = "service-errors", limit = 5, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["api"] }
    api-slow                             = { kind = "service-slow", limit = 0.1, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["api"] }
    api-unhealthy                        = { kind = "no-healthy-targets", limit = 1, LoadBalancer = module.load_balancer.arn_suffix, TargetGroup = module.load_balancer.target_group_suffixes["api"] }
  }
  topic_arns = { page = module.alarms.topic_arn, ticket = module.alarms.ticket_topic_arn }
}
