# What every task is given: place, image, log and environment; below it what several are told
locals {
  platform = {
    name           = "shop-dev"
    cluster_arn    = module.cluster.arn
    cluster_name   = module.cluster.name
    vpc_id         = module.network.vpc_id
    subnet_ids     = module.network.private_subnet_ids
    image          = "${module.images.repository_url}:${var.image_tag}"
    repository_arn = module.images.repository_arn
    key_arn        = module.keys.data_key_arn
    log_key_arn    = module.keys.log_key_arn
    log_days       = 30
    environment    = { RUNG_WORKLOAD = "shop", RUNG_ENVIRONMENT = "dev", RUNG_LOG_FORMAT = "json" }
  }
  db     = { kind = "postgres", url = module.db.url, pool_size = 13, statement_timeout_seconds = 5, tenant_scoped = false }
  orders = merge(module.orders.binding, { retry_delay_seconds = 1, retry_delay_max_seconds = 900, url = module.db.url })
}

# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-dev-images"
  key_arn = module.keys.data_key_arn
}

# cluster: where every process runs
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "shop-dev-cluster"
  log_key_arn = module.keys.log_key_arn
}

# db-migrate runs before a deployment: before each deployment, as the owner (workload.py:7)
module "db_migrate" {
  source           = "../modules/ecs_job"
  name             = "shop-dev-db-migrate"
  platform         = local.platform
  command          = ["python", "-m", "rung.runtime.migrate"]
  environment      = { RUNG_DATABASE_SETUP = jsonencode(merge(module.db_logins.setup, { migrations = "migrations", carries = true })) }
  deadline_seconds = 1800
  on_deploy        = true
}

# api answers requests: 1 task for 100 requests/s (workload.py:13)
module "api" {
  source       = "../modules/ecs_service"
  name         = "shop-dev-api"
  role         = "web"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.serve --app shop.api:app --host 0.0.0.0 --port 8000 --workers 1 --name api --health /health")
  cpu          = 0.5
  memory_mib   = 1024
  port         = 8000
  health_path  = "/health"
  stop_seconds = 35
  environment = {
    RUNG_HTTP_ROUTES         = "/api/products,/api/checkout,/api/products/,/api/cart"
    RUNG_HTTP_PRIORITIES     = "/api/checkout=critical,/api/cart=critical,/api/flash/=critical"
    RUNG_BINDING_DB          = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["api"] }))
    RUNG_BINDING_CACHE       = jsonencode(module.cache.binding)
    RUNG_BINDING_ORDERS      = jsonencode(merge(local.orders, { credentials_secret = module.db_logins.arns["api"] }))
    RUNG_BINDING_SESSION_KEY = jsonencode(module.secrets.bindings["session-key"])
    RUNG_BINDING_ADMIN_KEY   = jsonencode(module.secrets.bindings["admin-key"])
  }
  target_group_arns = [module.load_balancer.target_group_arns["api"]]
  max_tasks         = 1
  spot_share        = 1
  scaling           = { cpu_target = 60, memory_target = 75 }
  rollback_alarms   = ["shop-dev-api-memory-high", "shop-dev-api-errors", "shop-dev-api-slow"]
}

# fulfil takes messages: a safe minimum (workload.py:16)
module "fulfil" {
  source       = "../modules/ecs_service"
  name         = "shop-dev-fulfil"
  role         = "worker"
  platform     = local.platform
  command      = split(" ", "python -m rung.runtime.worker --name fulfil --queue orders --handler shop.fulfilment:handle --concurrency 10 --deadline-seconds 25 --batch 20")
  cpu          = 0.5
  memory_mib   = 1024
  stop_seconds = 30
  environment = {
    RUNG_BINDING_ORDERS = jsonencode(merge(local.orders, { credentials_secret = module.db_logins.arns["fulfil"] }))
    RUNG_BINDING_DB     = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["fulfil"] }))
  }
  max_tasks       = 1
  on_demand_base  = 0
  spot_share      = 1
  scaling         = { backlog_target = 15000, queue_names = values(module.orders.names) }
  rollback_alarms = ["shop-dev-fulfil-memory-high"]
}

# expire-carts runs and ends: a safe minimum (workload.py:24)
module "expire_carts" {
  source           = "../modules/ecs_job"
  name             = "shop-dev-expire-carts"
  platform         = local.platform
  command          = split(" ", "python -m rung.runtime.job --name expire-carts --handler shop.carts:expire --deadline-seconds 50 --exclusive")
  environment      = { RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["expire-carts"] })) }
  deadline_seconds = 50
  schedule         = { expression = "rate(1 minute)" }
}

# expire-reservations runs and ends: a safe minimum (workload.py:25)
module "expire_reservations" {
  source   = "../modules/ecs_job"
  name     = "shop-dev-expire-reservations"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.job --name expire-reservations --handler shop.order_book:expire_reservations --deadline-seconds 50 --exclusive")
  environment = {
    RUNG_BINDING_DB     = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["expire-reservations"] }))
    RUNG_BINDING_ORDERS = jsonencode(merge(local.orders, { credentials_secret = module.db_logins.arns["expire-reservations"] }))
  }
  deadline_seconds = 50
  schedule         = { expression = "rate(1 minute)" }
}

# seed runs and ends: a safe minimum (workload.py:32)
module "seed" {
  source   = "../modules/ecs_job"
  name     = "shop-dev-seed"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.job --name seed --handler shop.seed:run --deadline-seconds 3600")
  environment = {
    RUNG_BINDING_DB    = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["seed"] }))
    RUNG_BINDING_CACHE = jsonencode(module.cache.binding)
  }
}
