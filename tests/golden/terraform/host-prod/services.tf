# What every task is given: place, image, log and environment; below it what several are told
locals {
  platform = {
    name           = "shop-prod"
    cluster_arn    = module.cluster.arn
    cluster_name   = module.cluster.name
    vpc_id         = module.network.vpc_id
    subnet_ids     = module.network.private_subnet_ids
    image          = "${module.images.repository_url}:${var.image_tag}"
    repository_arn = module.images.repository_arn
    key_arn        = module.keys.data_key_arn
    log_key_arn    = module.keys.log_key_arn
    log_days       = 365
    environment    = { RUNG_WORKLOAD = "shop", RUNG_ENVIRONMENT = "prod", RUNG_LOG_FORMAT = "json" }
  }
  db = { kind = "postgres", url = module.db.url, pool_size = 13, statement_timeout_seconds = 5, tenant_scoped = false }
}

# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-prod-images"
  key_arn = module.keys.data_key_arn
}

# cluster: where migrations, schedules and jobs run
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "shop-prod-cluster"
  log_key_arn = module.keys.log_key_arn
}

# hosts: 1,728 MiB for everything on one of them; 12 at the peak
module "hosts" {
  source     = "../modules/host_group"
  name       = "shop-prod-hosts"
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  user_data = templatefile("${path.module}/hosts/user-data.tftpl", {
    images_repository_url             = module.images.repository_url
    db_endpoint                       = module.db.endpoint
    db_api_arn                        = module.db_logins.arns["api"]
    cache_endpoint                    = module.cache.endpoint
    cache_user_name                   = module.cache.user_name
    cache_replication_group_id        = module.cache.replication_group_id
    orders_payment_url                = module.orders.urls["payment"]
    orders_fulfilment_url             = module.orders.urls["fulfilment"]
    orders_analytics_url              = module.orders.urls["analytics"]
    orders_payment_dead_letter_url    = module.orders.dead_letter_urls["payment"]
    orders_fulfilment_dead_letter_url = module.orders.dead_letter_urls["fulfilment"]
    orders_analytics_dead_letter_url  = module.orders.dead_letter_urls["analytics"]
    session_key_arn                   = module.secrets.arns["session-key"]
    admin_key_arn                     = module.secrets.arns["admin-key"]
    db_fulfil_arn                     = module.db_logins.arns["fulfil"]
  })
  key_arn           = module.keys.data_key_arn
  log_key_arn       = module.keys.log_key_arn
  instance_type     = "m7g.xlarge"
  min_hosts         = 2
  max_hosts         = 12
  target_group_arns = [module.load_balancer.target_group_arns["hosts"]]
  log_days          = 365
}

# db-migrate runs before a deployment: before each deployment, as the owner (workload.py:7)
module "db_migrate" {
  source           = "../modules/ecs_job"
  name             = "shop-prod-db-migrate"
  platform         = local.platform
  command          = ["python", "-m", "rung.runtime.migrate"]
  environment      = { RUNG_DATABASE_SETUP = jsonencode(merge(module.db_logins.setup, { migrations = "migrations", carries = true })) }
  deadline_seconds = 1800
  on_deploy        = true
}

# expire-carts runs and ends: a safe minimum (workload.py:24)
module "expire_carts" {
  source           = "../modules/ecs_job"
  name             = "shop-prod-expire-carts"
  platform         = local.platform
  command          = split(" ", "python -m rung.runtime.job --name expire-carts --handler shop.carts:expire --deadline-seconds 50 --exclusive")
  environment      = { RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["expire-carts"] })) }
  deadline_seconds = 50
  schedule         = { expression = "rate(1 minute)" }
}

# expire-reservations runs and ends: a safe minimum (workload.py:25)
module "expire_reservations" {
  source   = "../modules/ecs_job"
  name     = "shop-prod-expire-reservations"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.job --name expire-reservations --handler shop.order_book:expire_reservations --deadline-seconds 50 --exclusive")
  environment = {
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["expire-reservations"] }))
    RUNG_BINDING_ORDERS = jsonencode(merge(module.orders.binding, {
      retry_delay_seconds     = 1
      retry_delay_max_seconds = 900
      url                     = module.db.url
      credentials_secret      = module.db_logins.arns["expire-reservations"]
    }))
  }
  deadline_seconds = 50
  schedule         = { expression = "rate(1 minute)" }
}

# seed runs and ends: a safe minimum (workload.py:32)
module "seed" {
  source   = "../modules/ecs_job"
  name     = "shop-prod-seed"
  platform = local.platform
  command  = split(" ", "python -m rung.runtime.job --name seed --handler shop.seed:run --deadline-seconds 3600")
  environment = {
    RUNG_BINDING_DB    = jsonencode(merge(local.db, { credentials_secret = module.db_logins.arns["seed"] }))
    RUNG_BINDING_CACHE = jsonencode(module.cache.binding)
  }
}
