# keys: one key for data, one for logs and topics
module "keys" {
  source     = "../modules/keys"
  name       = "shop-prod-keys"
  account_id = local.account_id
  region     = local.region
}

# release: which image the machines run: the pipeline writes it
module "release" {
  source  = "../modules/secret"
  name    = "shop-prod-release"
  key_arn = module.keys.data_key_arn
}

# db is PostgreSQL on RDS: room for 400 connections (workload.py:7)
module "db" {
  source         = "../modules/postgres_instance"
  name           = "shop-prod-db"
  vpc_id         = module.network.vpc_id
  subnet_ids     = module.network.isolated_subnet_ids
  key_arn        = module.keys.data_key_arn
  log_key_arn    = module.keys.log_key_arn
  database       = "shop"
  instance_class = "db.t4g.medium"
  multi_zone     = true
}

# db-api is generated once: the role by which api reaches db (workload.py:13)
module "db_api" {
  source             = "../modules/secret"
  name               = "shop-prod-db-api"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_api"
}

# db-fulfil is generated once: the role by which fulfil reaches db (workload.py:16)
module "db_fulfil" {
  source             = "../modules/secret"
  name               = "shop-prod-db-fulfil-value"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_fulfil"
}

# db-expire-carts is generated once: the role by which expire-carts reaches db (workload.py:24)
module "db_expire_carts" {
  source             = "../modules/secret"
  name               = "shop-prod-db-expire-carts"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_expire_carts"
}

# db-expire-reservations is generated once: the role by which expire-reservations reaches db (workload.py:25)
module "db_expire_reservations" {
  source             = "../modules/secret"
  name               = "shop-prod-db-expire-reservations"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_expire_reservations"
}

# db-seed is generated once: the role by which seed reaches db (workload.py:32)
module "db_seed" {
  source             = "../modules/secret"
  name               = "shop-prod-db-seed"
  key_arn            = module.keys.data_key_arn
  generated          = true
  generated_username = "shop_seed"
}

# cache is a cache: a primary and a copy in another zone (workload.py:8)
module "cache" {
  source      = "../modules/cache_group"
  name        = "shop-prod-cache"
  vpc_id      = module.network.vpc_id
  subnet_ids  = module.network.isolated_subnet_ids
  key_arn     = module.keys.data_key_arn
  log_key_arn = module.keys.log_key_arn
  nodes       = 2
}

# session-key is set by a person (workload.py:10)
module "session_key" {
  source        = "../modules/secret"
  name          = "shop-prod-session-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# admin-key is set by a person (workload.py:11)
module "admin_key" {
  source        = "../modules/secret"
  name          = "shop-prod-admin-key"
  key_arn       = module.keys.data_key_arn
  rotation      = "person"
  rotate_days   = 90
  topic_arn     = module.alarms.topic_arn
  topic_key_arn = module.keys.log_key_arn
}

# logs: access logs of the load balancer, the distribution and the buckets
module "logs" {
  source             = "../modules/bucket"
  name               = "shop-prod-logs"
  account_id         = local.account_id
  purpose            = "logs"
  versioned          = false
  expire_days        = 90
  allow_acl_delivery = true
}

# backup: a copy beyond the database's own, and a restore that is tried
module "backup" {
  source        = "../modules/backup_plan"
  name          = "shop-prod-backup"
  resource_arns = [module.db.arn]
  key_arn       = module.keys.data_key_arn
  topic_arn     = module.alarms.topic_arn
  restore_types = {
    RDS = { dbSubnetGroupName = "shop-prod-db", vpcSecurityGroupIds = jsonencode([module.db.security_group_id]) }
  }
}
