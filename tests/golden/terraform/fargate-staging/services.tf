# What containers are told alike: who they are, and where what they use is
locals {
  common = { RUNG_WORKLOAD = "shop", RUNG_ENVIRONMENT = "staging", RUNG_LOG_FORMAT = "json" }
  db = {
    kind                      = "postgres"
    url                       = "postgresql://${module.db.endpoint}:5432/shop?sslmode=verify-full"
    pool_size                 = 13
    statement_timeout_seconds = 5
    tenant_scoped             = false
  }
  cache = {
    kind              = "cache"
    url               = "rediss://${module.cache.endpoint}:6379/0"
    user              = module.cache.user_name
    replication_group = module.cache.replication_group_id
    region            = "eu-west-1"
  }
  orders = {
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
  }
}

# images: the one image that every process runs
module "images" {
  source  = "../modules/registry"
  name    = "shop-staging-images"
  key_arn = module.keys.data_key_arn
}

# cluster: where every process runs
module "cluster" {
  source      = "../modules/ecs_cluster"
  name        = "shop-staging-cluster"
  log_key_arn = module.keys.log_key_arn
}

# db-migrate runs before a deployment: before each deployment, as the owner (workload.py:7)
module "db_migrate" {
  source         = "../modules/ecs_job"
  name           = "shop-staging-db-migrate"
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

# api answers requests: 1 task for 250 requests/s (workload.py:13)
module "api" {
  source         = "../modules/ecs_service"
  name           = "shop-staging-api"
  role           = "web"
  cluster_arn    = module.cluster.arn
  cluster_name   = module.cluster.name
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.private_subnet_ids
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.serve --app shop.api:app --host 0.0.0.0 --port 8000 --workers 1 --name api --health /health")
  cpu            = 0.5
  memory_mib     = 1024
  port           = 8000
  health_path    = "/health"
  stop_seconds   = 35
  environment = merge(local.common, {
    RUNG_NODE            = "api"
    RUNG_HTTP_ROUTES     = "/api/products,/api/checkout,/api/products/,/api/cart"
    RUNG_HTTP_PRIORITIES = "/api/checkout=critical,/api/cart=critical,/api/flash/=critical"
    RUNG_BINDING_DB      = jsonencode(merge(local.db, { credentials_secret = module.db_api.arn }))
    RUNG_BINDING_CACHE   = jsonencode(local.cache)
    RUNG_BINDING_ORDERS  = jsonencode(merge(local.orders, { credentials_secret = module.db_api.arn }))
    RUNG_BINDING_SESSION_KEY = jsonencode({
      kind   = "secret"
      source = "secretsmanager"
      arn    = module.session_key.arn
      region = "eu-west-1"
    })
    RUNG_BINDING_ADMIN_KEY = jsonencode({
      kind   = "secret"
      source = "secretsmanager"
      arn    = module.admin_key.arn
      region = "eu-west-1"
    })
  })
  target_group_arns = [module.load_balancer.target_group_arns["api"]]
  max_tasks         = 1
  spot_share        = 1
  scaling           = { cpu_target = 60, memory_target = 75 }
  rollback_alarms   = ["shop-staging-api-memory-high", "shop-staging-api-errors", "shop-staging-api-slow"]
}

# fulfil takes messages: a safe minimum (workload.py:16)
module "fulfil" {
  source         = "../modules/ecs_service"
  name           = "shop-staging-fulfil"
  role           = "worker"
  cluster_arn    = module.cluster.arn
  cluster_name   = module.cluster.name
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.private_subnet_ids
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.worker --name fulfil --queue orders --handler shop.fulfilment:handle --concurrency 10 --deadline-seconds 25 --batch 20")
  cpu            = 0.5
  memory_mib     = 1024
  stop_seconds   = 30
  environment = merge(local.common, {
    RUNG_NODE           = "fulfil"
    RUNG_BINDING_ORDERS = jsonencode(merge(local.orders, { credentials_secret = module.db_fulfil.arn }))
    RUNG_BINDING_DB     = jsonencode(merge(local.db, { credentials_secret = module.db_fulfil.arn }))
  })
  max_tasks      = 1
  on_demand_base = 0
  spot_share     = 1
  scaling = {
    backlog_target = 15000
    queue_names    = [module.orders_payment.name, module.orders_fulfilment.name, module.orders_analytics.name]
  }
  rollback_alarms = ["shop-staging-fulfil-memory-high"]
}

# expire-carts runs and ends: a safe minimum (workload.py:24)
module "expire_carts" {
  source         = "../modules/ecs_job"
  name           = "shop-staging-expire-carts"
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
  name           = "shop-staging-expire-reservations"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.job --name expire-reservations --handler shop.order_book:expire_reservations --deadline-seconds 50 --exclusive")
  stop_seconds   = 55
  environment = merge(local.common, {
    RUNG_NODE           = "expire-reservations"
    RUNG_BINDING_DB     = jsonencode(merge(local.db, { credentials_secret = module.db_expire_reservations.arn }))
    RUNG_BINDING_ORDERS = jsonencode(merge(local.orders, { credentials_secret = module.db_expire_reservations.arn }))
  })
  deadline_seconds = 50
}

# seed runs and ends: a safe minimum (workload.py:32)
module "seed" {
  source         = "../modules/ecs_job"
  name           = "shop-staging-seed"
  cluster_arn    = module.cluster.arn
  vpc_id         = module.network.vpc_id
  image          = "${module.images.repository_url}:${var.image_tag}"
  repository_arn = module.images.repository_arn
  log_key_arn    = module.keys.log_key_arn
  command        = split(" ", "python -m rung.runtime.job --name seed --handler shop.seed:run --deadline-seconds 3600")
  stop_seconds   = 120
  environment = merge(local.common, {
    RUNG_NODE          = "seed"
    RUNG_BINDING_DB    = jsonencode(merge(local.db, { credentials_secret = module.db_seed.arn }))
    RUNG_BINDING_CACHE = jsonencode(local.cache)
  })
}

# Outside of working hours nothing runs: runs while people work (workload.py:58)
module "office_hours" {
  source               = "../modules/office_hours"
  name                 = "shop-staging-office-hours"
  account_id           = local.account_id
  region               = local.region
  log_key_arn          = module.keys.log_key_arn
  cluster_name         = module.cluster.name
  services             = { shop-staging-api = { min_tasks = 1, max_tasks = 1 }, shop-staging-fulfil = { min_tasks = 1, max_tasks = 1 } }
  database_clusters    = [module.db.identifier]
  timezone             = "Europe/Berlin"
  idle_hours           = 4
  load_balancer_suffix = module.load_balancer.arn_suffix
}
