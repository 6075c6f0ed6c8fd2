# What is watched and who is told: the runbook of an alarm has the name of its kind
module "watch" {
  source       = "../modules/watch"
  name         = "shop-prod"
  account_id   = local.account_id
  region       = local.region
  key_arn      = module.keys.log_key_arn
  emails       = ["oncall@example.com"]
  runbooks_url = local.runbooks_url
  monthly_usd  = 2000
  cost_tags    = { Workload = "shop", Environment = "prod" }
  availability = { availability = { share = 0.9995, load_balancer_suffix = module.load_balancer.arn_suffix } }
  alarms = {
    db                = { of = module.db.dimensions, limits = { database-capacity-high = 90, database-connections-high = 2883, database-transaction-ids = 1000000000, database-replica-behind = 60000 } }
    cache-1           = { of = { CacheClusterId = "${module.cache.replication_group_id}-001" }, limits = { cache-cpu-high = 90, cache-memory-high = 90 } }
    cache-2           = { of = { CacheClusterId = "${module.cache.replication_group_id}-002" }, limits = { cache-cpu-high = 90, cache-memory-high = 90 } }
    orders-payment    = { of = module.orders.dimensions["payment"], limits = { messages-waiting = 60, dead-letters = 0 } }
    orders-fulfilment = { of = module.orders.dimensions["fulfilment"], limits = { messages-waiting = 60, dead-letters = 0 } }
    orders-analytics  = { of = module.orders.dimensions["analytics"], limits = { messages-waiting = 60, dead-letters = 0 } }
    api = {
      of     = merge(module.api.dimensions, module.load_balancer.dimensions["api"])
      limits = { task-cpu-high = 80, task-memory-high = 80, tasks-missing = 3, service-errors = 5, service-slow = 0.1, no-healthy-targets = 1 }
    }
    fulfil                       = { of = module.fulfil.dimensions, limits = { task-cpu-high = 80, task-memory-high = 80, tasks-missing = 1 } }
    expire-carts-schedule        = { of = { ScheduleGroup = module.expire_carts.schedule_group_name }, limits = { schedule-failing = 0, schedule-silent = 1 } }
    expire-reservations-schedule = { of = { ScheduleGroup = module.expire_reservations.schedule_group_name }, limits = { schedule-failing = 0, schedule-silent = 1 } }
    certificate                  = { of = { CertificateArn = module.load_balancer.certificate_arn }, limits = { certificate-expiring = 30 } }
    load-balancer                = { of = { LoadBalancer = module.load_balancer.arn_suffix }, limits = { load-balancer-errors = 5 } }
  }
}
