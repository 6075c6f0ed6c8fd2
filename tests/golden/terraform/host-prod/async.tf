# orders-payment carries messages: the lane payment (workload.py:9)
module "orders_payment" {
  source  = "../modules/sqs_queue"
  name    = "shop-prod-orders-payment"
  key_arn = module.keys.data_key_arn
}

# orders-fulfilment carries messages: the lane fulfilment (workload.py:9)
module "orders_fulfilment" {
  source  = "../modules/sqs_queue"
  name    = "shop-prod-orders-fulfilment"
  key_arn = module.keys.data_key_arn
}

# orders-analytics carries messages: the lane analytics (workload.py:9)
module "orders_analytics" {
  source  = "../modules/sqs_queue"
  name    = "shop-prod-orders-analytics"
  key_arn = module.keys.data_key_arn
}

# expire-carts is started rate(1 minute): EventBridge Scheduler starts it (workload.py:24)
module "expire_carts_schedule" {
  source              = "../modules/scheduled_task"
  name                = "shop-prod-expire-carts-schedule"
  account_id          = local.account_id
  cluster_arn         = module.cluster.arn
  task_definition_arn = module.expire_carts.task_definition_arn
  task_role_arn       = module.expire_carts.task_role_arn
  execution_role_arn  = module.expire_carts.execution_role_arn
  subnet_ids          = module.network.private_subnet_ids
  security_group_id   = module.expire_carts.security_group_id
  key_arn             = module.keys.data_key_arn
  expression          = "rate(1 minute)"
}

# expire-reservations is started rate(1 minute): EventBridge Scheduler starts it (workload.py:25)
module "expire_reservations_schedule" {
  source              = "../modules/scheduled_task"
  name                = "shop-prod-expire-reservations-schedule"
  account_id          = local.account_id
  cluster_arn         = module.cluster.arn
  task_definition_arn = module.expire_reservations.task_definition_arn
  task_role_arn       = module.expire_reservations.task_role_arn
  execution_role_arn  = module.expire_reservations.execution_role_arn
  subnet_ids          = module.network.private_subnet_ids
  security_group_id   = module.expire_reservations.security_group_id
  key_arn             = module.keys.data_key_arn
  expression          = "rate(1 minute)"
}
