# orders carries messages in 3 lanes (workload.py:9)
module "orders" {
  source  = "../modules/queue"
  name    = "shop-staging-orders"
  lanes   = ["payment", "fulfilment", "analytics"]
  key_arn = module.keys.data_key_arn
}

# expire-carts is started rate(1 minute): EventBridge Scheduler starts it (workload.py:24)
module "expire_carts_schedule" {
  source     = "../modules/scheduled_task"
  name       = "shop-staging-expire-carts-schedule"
  platform   = local.platform
  job        = module.expire_carts
  expression = "rate(1 minute)"
}

# expire-reservations is started rate(1 minute): EventBridge Scheduler starts it (workload.py:25)
module "expire_reservations_schedule" {
  source     = "../modules/scheduled_task"
  name       = "shop-staging-expire-reservations-schedule"
  platform   = local.platform
  job        = module.expire_reservations
  expression = "rate(1 minute)"
}
