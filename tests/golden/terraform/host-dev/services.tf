# What containers are told alike: who they are, and where what they use is
locals {
  common = { RUNG_WORKLOAD = "shop", RUNG_ENVIRONMENT = "dev", RUNG_LOG_FORMAT = "json" }
  db = {
    kind                      = "postgres"
    url                       = "postgresql://${module.db.endpoint}:5432/shop?sslmode=verify-full"
    pool_size                 = 13
    statement_timeout_seconds = 5
    tenant_scoped             = false
  }
}

# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-dev-images"
  key_arn = module.keys.data_key_arn
}

# cluster: where migrations, schedules and jobs run
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "shop-dev-cluster"
  log_key_arn = module.keys.log_key_arn
}

# hosts: 1,344 MiB for everything on one of them; 2 at the peak
module "hosts" {
  source     = "../modules/host_group"
  name       = "shop-dev-hosts"
  vpc_id     = module.network.vpc_id
  subnet_ids = module.network.private_subnet_ids
  user_data = templatefile("${path.module}/hosts/user-data.tftpl", {
    images_repository_url             = module.images.repository_url
    db_endpoint                       = module.db.endpoint
    db_api_arn                        = module.db_api.arn
    cache_endpoint                    = module.cache.endpoint
    cache_user_name                   = module.cache.user_name
    cache_replication_group_id        = module.cache.replication_group_id
    orders_payment_url                = module.orders_payment.url
    orders_fulfilment_url             = module.orders_fulfilment.url
    orders_analytics_url              = module.orders_analytics.url
    orders_payment_dead_letter_url    = module.orders_payment.dead_letter_url
    orders_fulfilment_dead_letter_url = module.orders_fulfilment.dead_letter_url
    orders_analytics_dead_letter_url  = module.orders_analytics.dead_letter_url
    session_key_arn                   = module.session_key.arn
    admin_key_arn                     = module.admin_key.arn
    db_fulfil_arn                     = module.db_fulfil.arn
  })
  key_arn           = module.keys.data_key_arn
  log_key_arn       = module.keys.log_key_arn
  instance_type     = "t4g.small"
  max_hosts         = 2
  target_group_arns = [module.load_balancer.target_group_arns["hosts"]]
}

# db-migrate runs before a deployment: before each deployment, as the owner (workload.py:7)
module "db_migrate" {
  source         = "../modules/ecs_job"
  name           = "shop-dev-db-migrate"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = ["python", "-m", "rung.runtime.migrate"]
  stop_seconds   = 120
  environment = merge(local.common, {
    RUNG_NODE = "db-migrate"
    RUNG_DATABASE_SETUP = jsonencode({
      url                = "postgresql://${module.db.endpoint}:5432/shop?sslmode=verify-full"
      credentials_secret = module.db.master_secret_arn
      roles = [
        { secret = module.db_api.arn, rows = "write", queue = true },
        { secret = module.db_fulfil.arn, rows = "write", queue = true },
        { secret = module.db_expire_carts.arn, rows = "write", queue = false },
        { secret = module.db_expire_reservations.arn, rows = "write", queue = true },
        { secret = module.db_seed.arn, rows = "write", queue = false },
      ]
      migrations = "migrations"
      extensions = []
      carries    = true
    })
  })
  deadline_seconds = 1800
  on_deploy        = true
}

# expire-carts runs and ends: a safe minimum (workload.py:24)
module "expire_carts" {
  source         = "../modules/ecs_job"
  name           = "shop-dev-expire-carts"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.job --name expire-carts --handler shop.carts:expire --deadline-seconds 50 --exclusive")
  stop_seconds   = 55
  environment = merge(local.common, {
    RUNG_NODE       = "expire-carts"
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_expire_carts.arn }))
  })
  deadline_seconds = 50
}

# expire-reservations runs and ends: a safe minimum (workload.py:25)
module "expire_reservations" {
  source         = "../modules/ecs_job"
  name           = "shop-dev-expire-reservations"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.job --name expire-reservations --handler shop.order_book:expire_reservations --deadline-seconds 50 --exclusive")
  stop_seconds   = 55
  environment = merge(local.common, {
    RUNG_NODE       = "expire-reservations"
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_expire_reservations.arn }))
    RUNG_BINDING_ORDERS = jsonencode({
      kind    = "queue"
      adapter = "sqs"
      urls = {
        payment    = module.orders_payment.url
        fulfilment = module.orders_fulfilment.url
        analytics  = module.orders_analytics.url
      }
      dead_letter_urls = {
        payment    = module.orders_payment.dead_letter_url
        fulfilment = module.orders_fulfilment.dead_letter_url
        analytics  = module.orders_analytics.dead_letter_url
      }
      lanes                      = ["payment", "fulfilment", "analytics"]
      max_receive_count          = 5
      visibility_timeout_seconds = 30
      retention_seconds          = 345600
      region                     = "eu-west-1"
      url                        = "postgresql://${module.db.endpoint}:5432/shop?sslmode=verify-full"
      credentials_secret         = module.db_expire_reservations.arn
    })
  })
  deadline_seconds = 50
}

# seed runs and ends: a safe minimum (workload.py:32)
module "seed" {
  source         = "../modules/ecs_job"
  name           = "shop-dev-seed"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.job --name seed --handler shop.seed:run --deadline-seconds 3600")
  stop_seconds   = 120
  environment = merge(local.common, {
    RUNG_NODE       = "seed"
    RUNG_BINDING_DB = jsonencode(merge(local.db, { credentials_secret = module.db_seed.arn }))
    RUNG_BINDING_CACHE = jsonencode({
      kind              = "cache"
      url               = "rediss://${module.cache.endpoint}:6379/0"
      user              = module.cache.user_name
      replication_group = module.cache.replication_group_id
      region            = "eu-west-1"
    })
  })
}
